// A device policy as a BPF program, for version 2: the kernel runs it at each open and mknod of a device, with `struct bpf_cgroup_dev_ctx`
// (access << 16 | type, major, minor) in r1; it answers 1 (allowed) or 0. Pure; device-filter.ts hands it to the kernel.
//
// Sources: linux/bpf.h (bpf_insn, bpf_cgroup_dev_ctx, BPF_DEVCG_*), the kernel's bpf/standardization/instruction-set document.
import type { DeviceException, DevicePolicy } from './devices.ts';

export interface Instruction {
  readonly code: number;
  readonly target?: number;
  readonly source?: number;
  /** For jumps: how many instructions to skip; for loads: the offset in the context. */
  readonly offset?: number;
  readonly immediate?: number;
}

/** Names of the few operations used: class | source | operation, as bpf.h adds them up. */
export const code = { loadWord: 0x61, move: 0xb7, moveRegister: 0xbf, and32: 0x54, shiftRight32: 0x74, jumpIfEqual: 0x15, jumpUnlessEqual: 0x55, exit: 0x95 } as const;

const register = { answer: 0, context: 1, type: 2, access: 3, major: 4, minor: 5, work: 6 } as const;
const typeNumbers = { b: 1, c: 2 } as const;
const accessBits = { m: 1, r: 2, w: 4 } as const;

export function deviceProgram({ allowsByDefault, exceptions }: DevicePolicy): readonly Instruction[] {
  return [
    { code: code.loadWord, target: register.type, source: register.context, offset: 0 },
    { code: code.moveRegister, target: register.access, source: register.type },
    { code: code.and32, target: register.type, immediate: 0xffff },
    { code: code.shiftRight32, target: register.access, immediate: 16 },
    { code: code.loadWord, target: register.major, source: register.context, offset: 4 },
    { code: code.loadWord, target: register.minor, source: register.context, offset: 8 },
    ...exceptions.flatMap((exception) => exceptionBlock(exception, allowsByDefault)),
    ...answer(allowsByDefault),
  ];
}

const answer = (allows: boolean): readonly Instruction[] => [{ code: code.move, target: register.answer, immediate: allows ? 1 : 0 }, { code: code.exit }];

/** "If it is this device, the other answer": tests that skip the answer, and the answer. */
function exceptionBlock({ type, major, minor, access }: DeviceException, allowsByDefault: boolean): readonly Instruction[] {
  const bits = access.reduce((sum, letter) => sum | accessBits[letter], 0 as number);
  const tests: Instruction[] = [
    { code: code.jumpUnlessEqual, target: register.type, immediate: typeNumbers[type] },
    ...(major === undefined ? [] : [{ code: code.jumpUnlessEqual, target: register.major, immediate: major }]),
    ...(minor === undefined ? [] : [{ code: code.jumpUnlessEqual, target: register.minor, immediate: minor }]),
    { code: code.moveRegister, target: register.work, source: register.access },
    // Allowed when nothing beyond the exception is wanted; denied when anything of it is wanted.
    { code: code.and32, target: register.work, immediate: allowsByDefault ? bits : 7 & ~bits },
    { code: allowsByDefault ? code.jumpIfEqual : code.jumpUnlessEqual, target: register.work, immediate: 0 },
  ];
  const answered = answer(!allowsByDefault);
  const length = tests.length + answered.length;
  const isJump = (instruction: Instruction): boolean => instruction.code === code.jumpIfEqual || instruction.code === code.jumpUnlessEqual;
  return [...tests.map((test, index) => (isJump(test) ? { ...test, offset: length - index - 1 } : test)), ...answered];
}

/** `struct bpf_insn`, 8 bytes each: code, registers (target in the low half), offset, immediate. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, target = 0, source = 0, offset = 0, immediate = 0 }, index) => {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, (source << 4) | target);
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, immediate, true);
  });
  return bytes;
}
