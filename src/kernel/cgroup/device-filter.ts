// Device programs in the kernel: loaded once for each policy (nearly all containers have the same one), attached to each group. A program lives
// as long as somebody holds its descriptor or a group has it. A group that has one gets the new one in its place: two would both be asked.
// Source: bpf(2), linux/bpf.h (union bpf_attr).
import { call } from '../call.ts';
import { Fd, O } from '../fd.ts';
import { addressOf } from '../ffi.ts';
import { deviceProgram, encodeProgram } from './device-program.ts';
import type { DevicePolicy } from './devices.ts';
import type { Hierarchy } from './hierarchy.ts';

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_PROG_QUERY = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Others may attach programs to groups above and below; a device must please all of them. */
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;
const attributeBytes = 72;
const heldProgramsMax = 16;
/** The kernel's own limit of programs for one group (BPF_CGROUP_MAX_PROGS). */
const groupProgramsMax = 64;

export class DeviceFilters implements Disposable {
  readonly #programs = new Map<string, Fd>();
  /** What a group had before its last change: the kernel forgets a program that nobody holds. */
  readonly #former = new Map<string, readonly Fd[]>();

  /** To a group that is new. @throws KernelError */
  attach(hierarchy: Hierarchy, relative: string, policy: DevicePolicy): void {
    using directory = groupAt(hierarchy, relative);
    attach(directory, this.#programOf(policy));
  }

  /** In the place of those that the group has. Returns what puts those back, until the group's next change. @throws KernelError */
  replace(hierarchy: Hierarchy, relative: string, policy: DevicePolicy): () => void {
    using directory = groupAt(hierarchy, relative);
    const former = attachedTo(directory);
    replacePrograms(directory, former, this.#programOf(policy));
    this.#keep(relative, former);
    return () => {
      using group = groupAt(hierarchy, relative);
      const [first, ...others] = former;
      const now = attachedTo(group);
      if (first !== undefined) replacePrograms(group, now, first);
      else for (const program of now) detach(group, program);
      for (const program of others) attach(group, program);
      for (const program of now) program[Symbol.dispose]();
    };
  }

  [Symbol.dispose](): void {
    this.#forgetPrograms();
    for (const relative of this.#former.keys()) this.#keep(relative, []);
  }

  #keep(relative: string, programs: readonly Fd[]): void {
    for (const program of this.#former.get(relative) ?? []) program[Symbol.dispose]();
    this.#former.delete(relative);
    if (programs.length > 0) this.#former.set(relative, programs);
  }

  #forgetPrograms(): void {
    for (const program of this.#programs.values()) program[Symbol.dispose]();
    this.#programs.clear();
  }

  #programOf(policy: DevicePolicy): Fd {
    const key = JSON.stringify(policy);
    const held = this.#programs.get(key);
    if (held !== undefined) return held;
    if (this.#programs.size >= heldProgramsMax) this.#forgetPrograms();
    const program = loadProgram(encodeProgram(deviceProgram(policy)));
    this.#programs.set(key, program);
    return program;
  }
}

function groupAt(hierarchy: Hierarchy, relative: string): Fd {
  return Fd.open(relative, O.RDONLY | O.DIRECTORY, 0, hierarchy.root);
}

/** The group's own, not those of the groups above it. */
function attachedTo(directory: Fd): readonly Fd[] {
  const ids = new Uint32Array(new ArrayBuffer(groupProgramsMax * 4));
  const attributes = request([directory.number, BPF_CGROUP_DEVICE]);
  attributes.setBigUint64(16, BigInt(addressOf(new Uint8Array(ids.buffer))), true);
  attributes.setUint32(24, groupProgramsMax, true);
  bpf(BPF_PROG_QUERY, attributes);
  return [...ids.subarray(0, attributes.getUint32(24, true))].map((id) => new Fd(bpf(BPF_PROG_GET_FD_BY_ID, request([id]))));
}

function replacePrograms(directory: Fd, former: readonly Fd[], program: Fd): void {
  const [first, ...others] = former;
  attach(directory, program, first);
  for (const other of others) detach(directory, other);
}

function attach(directory: Fd, program: Fd, instead?: Fd): void {
  const flags = BPF_F_ALLOW_MULTI | (instead === undefined ? 0 : BPF_F_REPLACE);
  bpf(BPF_PROG_ATTACH, request([directory.number, program.number, BPF_CGROUP_DEVICE, flags, instead?.number ?? 0]));
}

function detach(directory: Fd, program: Fd): void {
  bpf(BPF_PROG_DETACH, request([directory.number, program.number, BPF_CGROUP_DEVICE]));
}

/** The 32-bit fields that an attribute block begins with. */
function request(fields: readonly number[]): DataView<ArrayBuffer> {
  const attributes = new DataView(new ArrayBuffer(attributeBytes));
  for (const [index, field] of fields.entries()) attributes.setUint32(index * 4, field, true);
  return attributes;
}

function bpf(command: number, attributes: DataView<ArrayBuffer>): number {
  return call('bpf', command, new Uint8Array(attributes.buffer), attributeBytes);
}

function loadProgram(instructions: Uint8Array): Fd {
  // The kernel reads both by address, and small arrays may live inside V8's heap: one backing store of their own.
  const license = Buffer.from('Apache-2.0\0');
  const memory = new Uint8Array(new ArrayBuffer(4096 + instructions.length));
  memory.set(license);
  memory.set(instructions, 4096);
  const address = BigInt(addressOf(memory));
  const attributes = request([BPF_PROG_TYPE_CGROUP_DEVICE, instructions.length / 8]);
  attributes.setBigUint64(8, address + 4096n, true);
  attributes.setBigUint64(16, address, true);
  attributes.setUint32(68, BPF_CGROUP_DEVICE, true);
  return new Fd(bpf(BPF_PROG_LOAD, attributes));
}
