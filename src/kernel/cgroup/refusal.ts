// What is said when a group cannot be made or a limit cannot be set: which one, to which value, and the kernel's reason.
import { fail } from '../../base/index.ts';
import { errnoName, errnoSentence, type KernelError } from '../error.ts';

const denied = new Set(['EACCES', 'EPERM', 'EROFS']);
const shortage = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO']);

export function refusedLimit(what: string, value: string, result: number): Error {
  const code = errnoName(-result);
  return fail(denied.has(code) ? 'denied' : shortage.has(code) ? 'internal' : 'invalid', `Cannot set ${what} to "${value}": ${errnoSentence(code)}`);
}

/** Version 1 does not take memory away that is used and cannot be swapped out. */
export function refusedBelowUse(what: string, value: string, usedBytes: string): Error {
  return fail('conflict', `Cannot set ${what} to "${value}": the container uses ${usedBytes} bytes now`, { hint: 'Set more, or let the program give memory back first' });
}

export function refusedDirectory(path: string, mountPoint: string, result: number): Error {
  const code = errnoName(-result);
  const message = `Cannot create cgroup "${path}" in ${mountPoint}: ${errnoSentence(code)}`;
  return denied.has(code) ? fail('denied', message, { hint: 'Run the engine as root, with the cgroup file systems mounted writable' }) : fail('internal', message);
}

export function missingController(what: string, controller: string): Error {
  return fail('unsupported', `Cannot set ${what}: this host has no cgroup controller "${controller}"`, { hint: 'Enable the controller, or leave the limit out' });
}

export function missingFile(what: string, file: string): Error {
  return fail('unsupported', `Cannot set ${what}: this kernel has no cgroup file "${file}"`, { hint: 'The kernel was built without it; leave the limit out' });
}

export function refusedDevices(cause: KernelError): Error {
  return fail('unsupported', `Cannot restrict devices: the kernel refuses a device program for the cgroup (${errnoSentence(cause.code)})`, { cause, hint: 'The kernel needs CONFIG_CGROUP_BPF, and the engine needs CAP_BPF or CAP_SYS_ADMIN' });
}
