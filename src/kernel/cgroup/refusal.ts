// What is said when a limit cannot be set: which limit, to which value, and the kernel's reason.
import { fail } from '../../base/index.ts';
import { errnoName, errnoSentence, type KernelError } from '../error.ts';

export function refusedLimit(what: string, value: string, result: number): Error {
  return fail('invalid', `Cannot set ${what} to "${value}": ${errnoSentence(errnoName(-result))}`);
}

export function missingController(what: string, controller: string): Error {
  return fail('unsupported', `Cannot set ${what}: this host has no cgroup controller "${controller}"`, { hint: 'Enable the controller, or leave the limit out' });
}

export function refusedDevices(cause: KernelError): Error {
  return fail('unsupported', `Cannot restrict devices: the kernel refuses a device program for the cgroup (${errnoSentence(cause.code)})`, { cause, hint: 'The kernel needs CONFIG_CGROUP_BPF, and the engine needs CAP_BPF or CAP_SYS_ADMIN' });
}
