// Runs a seccomp filter as the kernel would: for tests, and to explain what a profile says of a call.
import { field, op } from './bpf.ts';
import type { Verdict } from './verdict.ts';

/** BPF_JMP | BPF_JSET | BPF_K: our own programs do without, others have it. */
const jumpIfAnyBit = 0x45;

/** What the kernel tells a filter: struct seccomp_data without the instruction pointer. */
export interface CallData {
  readonly nr: number;
  /** AUDIT_ARCH_* */
  readonly audit: number;
  /** Absent ones are 0. */
  readonly args?: readonly bigint[];
}

/** @throws Error for a program that is no valid filter. */
export function interpret(program: Uint8Array, call: CallData): Verdict {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; at < program.byteLength; at += 8) {
    const code = view.getUint16(at, true);
    const operand = view.getUint32(at + 4, true);
    const jump = (isTrue: boolean): number => 8 * view.getUint8(at + (isTrue ? 2 : 3));
    switch (code) {
      case op.return: return operand;
      case op.load: accumulator = load(call, operand); break;
      case op.and: accumulator = (accumulator & operand) >>> 0; break;
      case op.goto: at += 8 * operand; break;
      case op.equal: at += jump(accumulator === operand); break;
      case jumpIfAnyBit: at += jump((accumulator & operand) !== 0); break;
      case op.greater: at += jump(accumulator > operand); break;
      case op.greaterOrEqual: at += jump(accumulator >= operand); break;
      default: throw new Error(`Instruction ${at / 8} of a seccomp filter: unknown code 0x${code.toString(16)}`);
    }
  }
  throw new Error('A seccomp filter ends without a verdict');
}

function load({ nr, audit, args = [] }: CallData, offset: number): number {
  if (offset === field.nr) return nr >>> 0;
  if (offset === field.arch) return audit >>> 0;
  const word = (offset - field.args) / 4;
  if (word < 0 || word >= 12 || !Number.isInteger(word)) throw new Error(`A seccomp filter loads from offset ${offset}`);
  const value = args[word >> 1] ?? 0n;
  return Number((word % 2 === 0 ? value : value >> 32n) & 0xffff_ffffn);
}
