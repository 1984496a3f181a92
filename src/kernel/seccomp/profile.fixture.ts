// Random profiles for tests, and what they mean: a second, slow implementation that reads the profile directly, with bigints and no BPF.
import * as fc from 'fast-check';
import type { Seccomp, SeccompArgument, SeccompCompare, SeccompRule } from '../../spec/oci/runtime.ts';
import type { Abi } from './abi.ts';
import { errnoVerdict, type Verdict, verdictOf } from './verdict.ts';

/** Values where comparisons of 64-bit values by halves can go wrong. */
export const edgeValues = [
  0n, 1n, 2n, 5n, 8n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n, 0xffff_ffff_0000_0000n, 0xffff_ffff_ffff_ffffn,
] as const;

/** Calls of every kind: early and late, only on some ABIs, multiplexers and what goes through them. */
export const sampleNames = ['read', 'socket', 'clone', 'semop', 'kill', 'accept', 'ioctl', 'execve', 'socketcall', 'ipc', 'shmctl', 'mmap2', 'recv', 'pwritev2', 'openat2'] as const;

const compares: readonly SeccompCompare[] = ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ'];

const anyValue = fc.constantFrom<number | bigint>(...edgeValues, 3, 2 ** 40 + 7);
const anyArgument: fc.Arbitrary<SeccompArgument> = fc.record({ index: fc.nat(3), op: fc.constantFrom(...compares), value: anyValue, valueTwo: anyValue });

/** Rules for one call each. `actions` are what they may answer. */
export function anyRules(actions: readonly Pick<SeccompRule, 'action' | 'errnoRet'>[]): fc.Arbitrary<SeccompRule[]> {
  const rule = fc.record({ name: fc.constantFrom(...sampleNames), answer: fc.constantFrom(...actions), args: fc.array(anyArgument, { maxLength: 3 }) });
  return fc.array(rule.map(({ name, answer, args }) => ({ names: [name], ...answer, args })), { minLength: 1, maxLength: 7 });
}

/** What the kernel sees of an argument that a program of this ABI passes. */
export function asPassed(abi: Abi, value: bigint): bigint {
  return abi.wordBits === 32 && abi.name !== 'SCMP_ARCH_X32' ? value & 0xffff_ffffn : value;
}

/** The verdict that `profile` means for call `number` of `abi`. */
export function meaning(profile: Seccomp, abi: Abi, number: number, args: readonly bigint[]): Verdict {
  const otherwise = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
  const numbers = abi.numbers();
  const numberOf = (name: string): number => numbers.get(name) ?? numbers.get(abi.multiplexed.get(name)?.through ?? '') ?? -1;
  const newest = Math.max(-1, ...(profile.syscalls ?? []).flatMap((rule) => rule.names.map(numberOf)));
  const isPermissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction);
  if (newest >= 0 && number > newest && !isPermissive) return errnoVerdict(38);
  const chains = (profile.syscalls ?? []).filter((rule) => verdictOf(rule.action, rule.errnoRet) !== otherwise)
    .flatMap((rule) => rule.names.flatMap((name) => conditionsFor(rule, name, abi, number).map((conditions) => ({ rule, conditions }))));
  const found = chains.find(({ conditions }) => conditions.length === 0) ?? chains.find(({ conditions }) => conditions.every((each) => isTrue(each, abi, args)));
  return found === undefined ? otherwise : verdictOf(found.rule.action, found.rule.errnoRet);
}

/** The sets of conditions under which the rule for `name` speaks of `number`. */
function conditionsFor({ args = [] }: SeccompRule, name: string, abi: Abi, number: number): readonly (readonly SeccompArgument[])[] {
  const isTwice = new Set(args.map((arg) => arg.index)).size < args.length;
  const sets = isTwice ? args.map((arg) => [arg]) : [args];
  const multiplexer = abi.multiplexed.get(name);
  return [
    ...(abi.numbers().get(name) === number ? sets : []),
    ...(multiplexer !== undefined && abi.numbers().get(multiplexer.through) === number
      ? sets.map((set) => [{ index: 0, op: 'SCMP_CMP_EQ' as const, value: multiplexer.selector }, ...set.filter((arg) => arg.index !== 0)])
      : []),
  ];
}

function isTrue({ index, op, value, valueTwo = 0 }: SeccompArgument, abi: Abi, args: readonly bigint[]): boolean {
  const cut = (wide: number | bigint): bigint => BigInt.asUintN(abi.wordBits, BigInt(wide));
  const actual = cut(args[index] ?? 0n);
  const datum = cut(value);
  switch (op) {
    case 'SCMP_CMP_EQ': return actual === datum;
    case 'SCMP_CMP_NE': return actual !== datum;
    case 'SCMP_CMP_LT': return actual < datum;
    case 'SCMP_CMP_LE': return actual <= datum;
    case 'SCMP_CMP_GT': return actual > datum;
    case 'SCMP_CMP_GE': return actual >= datum;
    default: return (actual & datum) === (cut(valueTwo) & datum);
  }
}
