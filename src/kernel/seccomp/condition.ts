// Conditions on a system call's arguments. Arguments are 64 bits wide and a filter sees 32 at a time, so every value is kept as two halves.
import type { SeccompArgument, SeccompCompare } from '../../spec/oci/runtime.ts';
import { type BpfWriter, type Comparison, field, op, type Target } from './bpf.ts';

interface Halves {
  readonly high: number;
  readonly low: number;
}

export interface Condition {
  /** Which argument, 0–5. */
  readonly index: number;
  readonly op: SeccompCompare;
  /** What the argument, after `mask`, is compared with. */
  readonly value: Halves;
  readonly mask: Halves;
}

const allBits: Halves = { high: 0xffff_ffff, low: 0xffff_ffff };

/** The sets of conditions that a rule's arguments mean: one set, or one per condition when an argument is checked twice. */
export function readConditions(args: readonly SeccompArgument[]): readonly (readonly Condition[])[] {
  const conditions = args.map(readCondition);
  const isTwice = new Set(args.map((arg) => arg.index)).size < args.length;
  return isTwice ? conditions.map((condition) => [condition]) : [conditions];
}

function readCondition({ index, op, value, valueTwo }: SeccompArgument): Condition {
  if (op !== 'SCMP_CMP_MASKED_EQ') return { index, op, value: split(value), mask: allBits };
  const mask = split(value);
  const { high, low } = split(valueTwo ?? 0);
  // Bits of the datum outside the mask do not count (libseccomp clears them); taken literally, the condition could never hold.
  return { index, op, value: { high: (high & mask.high) >>> 0, low: (low & mask.low) >>> 0 }, mask };
}

function split(value: number | bigint): Halves {
  if (typeof value === 'bigint') return { high: Number((value >> 32n) & 0xffff_ffffn), low: Number(value & 0xffff_ffffn) };
  return { high: Math.floor(value / 2 ** 32) >>> 0, low: value >>> 0 };
}

/** Code that goes on at `match` when all conditions hold, else at `miss`. */
export function writeChain(writer: BpfWriter, conditions: readonly Condition[], wordBits: 32 | 64, match: Target, miss: Target): Target {
  let next = match;
  for (const condition of conditions.toReversed()) next = writeCondition(writer, condition, wordBits, next, miss);
  return next;
}

/** Each comparison as one of the three that BPF has; `LT` is "not `GE`". */
const forms: Readonly<Record<SeccompCompare, { readonly code: Comparison; readonly isNegated: boolean }>> = {
  SCMP_CMP_EQ: { code: op.equal, isNegated: false },
  SCMP_CMP_MASKED_EQ: { code: op.equal, isNegated: false },
  SCMP_CMP_NE: { code: op.equal, isNegated: true },
  SCMP_CMP_GT: { code: op.greater, isNegated: false },
  SCMP_CMP_GE: { code: op.greaterOrEqual, isNegated: false },
  SCMP_CMP_LT: { code: op.greaterOrEqual, isNegated: true },
  SCMP_CMP_LE: { code: op.greater, isNegated: true },
};

function writeCondition(writer: BpfWriter, condition: Condition, wordBits: 32 | 64, match: Target, miss: Target): Target {
  const { code, isNegated } = forms[condition.op];
  const [yes, no] = isNegated ? [miss, match] : [match, miss];
  return code === op.equal ? writeEqual(writer, condition, wordBits, yes, no) : writeOrder(writer, code, condition, wordBits, yes, no);
}

function writeEqual(writer: BpfWriter, { index, value, mask }: Condition, wordBits: 32 | 64, match: Target, miss: Target): Target {
  const low = loadHalf(writer, lowOffset(index), mask.low, writer.compare(op.equal, value.low, match, miss));
  if (wordBits === 32 || (mask.high === 0 && value.high === 0)) return low;
  return loadHalf(writer, lowOffset(index) + 4, mask.high, writer.compare(op.equal, value.high, low, miss));
}

/** `code` decides between the low halves, and between the high halves where they differ. */
function writeOrder(writer: BpfWriter, code: Comparison, { index, value, mask }: Condition, wordBits: 32 | 64, match: Target, miss: Target): Target {
  const low = loadHalf(writer, lowOffset(index), mask.low, writer.compare(code, value.low, match, miss));
  if (wordBits === 32) return low;
  const same = writer.compare(op.equal, value.high, low, miss);
  return loadHalf(writer, lowOffset(index) + 4, mask.high, writer.compare(op.greater, value.high, match, same));
}

/** Puts the load (and the mask, when it takes bits away) right before `compare`. */
function loadHalf(writer: BpfWriter, offset: number, mask: number, compare: Target): Target {
  writer.enter(compare);
  if (mask !== 0xffff_ffff) writer.and(mask);
  return writer.load(offset);
}

function lowOffset(index: number): number {
  return field.args + index * 8;
}
