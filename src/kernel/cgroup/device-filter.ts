// Device programs in the kernel: loaded once for each policy (nearly all containers have the same one), attached to each group. A program lives
// as long as somebody holds its descriptor or a group has it. Source: bpf(2), linux/bpf.h (union bpf_attr).
import { call } from '../call.ts';
import { Fd, O } from '../fd.ts';
import { addressOf } from '../ffi.ts';
import { deviceProgram, encodeProgram } from './device-program.ts';
import type { DevicePolicy } from './devices.ts';
import type { Hierarchy } from './hierarchy.ts';

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Others may attach programs to groups above and below; a device must please all of them. */
const BPF_F_ALLOW_MULTI = 2;
const attributeBytes = 72;
const heldProgramsMax = 16;

export class DeviceFilters implements Disposable {
  readonly #programs = new Map<string, Fd>();

  /** @throws KernelError */
  attach(hierarchy: Hierarchy, relative: string, policy: DevicePolicy): void {
    using directory = Fd.open(relative, O.RDONLY | O.DIRECTORY, 0, hierarchy.root);
    const attributes = new DataView(new ArrayBuffer(attributeBytes));
    attributes.setUint32(0, directory.number, true);
    attributes.setUint32(4, this.#programOf(policy).number, true);
    attributes.setUint32(8, BPF_CGROUP_DEVICE, true);
    attributes.setUint32(12, BPF_F_ALLOW_MULTI, true);
    call('bpf', BPF_PROG_ATTACH, new Uint8Array(attributes.buffer), attributeBytes);
  }

  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program[Symbol.dispose]();
    this.#programs.clear();
  }

  #programOf(policy: DevicePolicy): Fd {
    const key = JSON.stringify(policy);
    const held = this.#programs.get(key);
    if (held !== undefined) return held;
    if (this.#programs.size >= heldProgramsMax) this[Symbol.dispose]();
    const program = loadProgram(encodeProgram(deviceProgram(policy)));
    this.#programs.set(key, program);
    return program;
  }
}

function loadProgram(instructions: Uint8Array): Fd {
  // The kernel reads both by address, and small arrays may live inside V8's heap: one backing store of their own.
  const license = Buffer.from('Apache-2.0\0');
  const memory = new Uint8Array(new ArrayBuffer(4096 + instructions.length));
  memory.set(license);
  memory.set(instructions, 4096);
  const address = BigInt(addressOf(memory));
  const attributes = new DataView(new ArrayBuffer(attributeBytes));
  attributes.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  attributes.setUint32(4, instructions.length / 8, true);
  attributes.setBigUint64(8, address + 4096n, true);
  attributes.setBigUint64(16, address, true);
  attributes.setUint32(68, BPF_CGROUP_DEVICE, true);
  return new Fd(call('bpf', BPF_PROG_LOAD, new Uint8Array(attributes.buffer), attributeBytes));
}
