// From a seccomp profile (OCI form) to the program that the kernel runs before each system call. Pure.
//
// Words. A *verdict* is the 32-bit value that the program returns (action and data). A *chain* is one rule's conditions: all must hold. A *leaf*
// is what stands for a system call: a verdict, or chains that are tried in order and end in the default verdict. A *section* is the whole
// number space of one audit architecture, cut into *segments* of equal leaves; the program finds the segment by binary search, so a call
// costs about ten instructions wherever its number is.
//
// The verdicts are those of libseccomp as runc drives it, which profiles are written for (compile.oracle.test.ts compares them):
// - Names that an ABI does not have are skipped. Rules with the default verdict are dropped. A rule without conditions beats those with, and
//   the first of its kind wins.
// - A rule that checks one argument twice is taken as one rule per condition.
// - ABIs with 32-bit words compare low halves only. On i386, rules for sockets and System V IPC also cover socketcall and ipc.
// - An architecture that is not let in ends the thread.
// - Calls with numbers above all that the profile names are newer than the profile: they answer ENOSYS instead of a refusal, so that C
//   libraries fall back to what they did before. (runc does the same.) Permissive defaults keep their default.
import type { Seccomp, SeccompFlag, SeccompRule } from '../../spec/oci/runtime.ts';
import type { Architecture } from '../stub.ts';
import { type Abi, abis, chooseAbis, x32Bit } from './abi.ts';
import { BpfWriter, field, op, type Target } from './bpf.ts';
import { type Condition, readConditions, writeChain } from './condition.ts';
import { errnoVerdict, type Verdict, verdict, verdictOf } from './verdict.ts';

interface Chain {
  readonly conditions: readonly Condition[];
  readonly verdict: Verdict;
}

type Leaf =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'chains'; readonly chains: Chain[]; readonly wordBits: 32 | 64 };

/** From this number on, up to the next segment. */
interface Segment {
  readonly from: number;
  readonly leaf: Leaf;
}

/** A rule as chains: none where its verdict is the default anyway. */
interface Rule {
  readonly names: readonly string[];
  readonly chains: readonly Chain[];
}

const errnoNoSystemCall = 38; // ENOSYS
/** What a tracer sets the number to when it skips the call; filters see it. */
const skippedCall = 0xffff_ffff;

/** SECCOMP_FILTER_FLAG_* of linux/seccomp.h. */
const flagBits: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1, SECCOMP_FILTER_FLAG_LOG: 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};

/** The call then answers with the descriptor that an agent listens on. */
const flagNewListener = 8;

/** The flags of seccomp(2) that go with the profile. */
export function seccompFlags(profile: Seccomp): number {
  const named = (profile.flags ?? ['SECCOMP_FILTER_FLAG_SPEC_ALLOW']).reduce((bits, flag) => bits | flagBits[flag], 0);
  return asksAgent(profile) ? named | flagNewListener : named;
}

/** Whether it leaves decisions to an agent. */
export function asksAgent({ defaultAction, syscalls }: Seccomp): boolean {
  return defaultAction === 'SCMP_ACT_NOTIFY' || syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') === true;
}

/**
 * The filter for a machine of kind `native`: the bytes of its `struct sock_filter[]`.
 * @throws `invalid` for a profile that names unknown architectures or is too long for the kernel.
 */
export function compileSeccomp(profile: Seccomp, native: Architecture): Uint8Array {
  const otherwise = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
  const rules = (profile.syscalls ?? []).map((rule) => readRule(rule, otherwise));
  const chosen = chooseAbis(profile.architectures ?? [], native);
  const writer = new BpfWriter();
  const sections = [...new Set(chosen.map((abi) => abi.audit))].map((audit) => ({
    audit, segments: cutSection(chosen.filter((abi) => abi.audit === audit), rules, otherwise),
  }));
  return writeProgram(writer, sections, otherwise);
}

function readRule(rule: SeccompRule, otherwise: Verdict): Rule {
  const verdict = verdictOf(rule.action, rule.errnoRet);
  if (verdict === otherwise) return { names: rule.names, chains: [] };
  return { names: rule.names, chains: readConditions(rule.args ?? []).map((conditions) => ({ conditions, verdict })) };
}

/** The segments of one audit architecture, from number 0 on. */
function cutSection(family: readonly Abi[], rules: readonly Rule[], otherwise: Verdict): readonly Segment[] {
  const segments: Segment[] = [];
  const add = (from: number, leaf: Leaf): void => {
    const last = segments.at(-1);
    if (last?.from === from) segments.pop();
    const before = segments.at(-1);
    if (before?.leaf.kind !== 'verdict' || leaf.kind !== 'verdict' || before.leaf.verdict !== leaf.verdict) segments.push({ from, leaf });
  };
  const rest: Leaf = { kind: 'verdict', verdict: otherwise };
  for (const abi of family) {
    add(abi.base, rest);
    for (const [number, leaf] of leavesOf(abi, rules)) {
      add(number, leaf);
      add(number + 1, rest);
    }
    const newest = newestNamed(abi, rules);
    if (newest !== undefined && !isPermissive(otherwise)) add(newest + 1, { kind: 'verdict', verdict: errnoVerdict(errnoNoSystemCall) });
  }
  if (family[0] === abis.x64 && !family.includes(abis.x32)) {
    add(x32Bit, { kind: 'verdict', verdict: verdict.killThread });
    add(skippedCall, rest);
  }
  return segments;
}

/** The calls that have a leaf other than the default, by number. */
function leavesOf(abi: Abi, rules: readonly Rule[]): readonly (readonly [number, Leaf])[] {
  const leaves = new Map<number, Leaf>();
  const numbers = abi.numbers();
  for (const { names, chains } of rules) {
    for (const name of names) {
      for (const chain of chains) {
        const number = numbers.get(name);
        if (number !== undefined) addChain(leaves, number, chain, abi.wordBits);
        const multiplexer = abi.multiplexed.get(name);
        if (multiplexer !== undefined) addChain(leaves, numbers.get(multiplexer.through)!, throughMultiplexer(chain, multiplexer.selector), abi.wordBits);
      }
    }
  }
  return [...leaves].sort((a, b) => a[0] - b[0]);
}

function addChain(leaves: Map<number, Leaf>, number: number, chain: Chain, wordBits: 32 | 64): void {
  const leaf = leaves.get(number);
  if (leaf?.kind === 'verdict') return;
  if (chain.conditions.length === 0) leaves.set(number, { kind: 'verdict', verdict: chain.verdict });
  else if (leaf === undefined) leaves.set(number, { kind: 'chains', chains: [chain], wordBits });
  else leaf.chains.push(chain);
}

/** The call's own arguments are in memory behind the multiplexer's second, where no filter can look: what a rule says of the first one is given up. */
function throughMultiplexer(chain: Chain, selector: number): Chain {
  const isSelector: Condition = { index: 0, op: 'SCMP_CMP_EQ', value: { high: 0, low: selector }, mask: { high: 0xffff_ffff, low: 0xffff_ffff } };
  return { verdict: chain.verdict, conditions: [isSelector, ...chain.conditions.filter((condition) => condition.index !== 0)] };
}

/** The highest number that the profile speaks of, in any way. */
function newestNamed(abi: Abi, rules: readonly Rule[]): number | undefined {
  const numbers = abi.numbers();
  let newest = -1;
  for (const { names } of rules) {
    for (const name of names) {
      const number = numbers.get(name) ?? numbers.get(abi.multiplexed.get(name)?.through ?? '') ?? -1;
      if (number > newest) newest = number;
    }
  }
  return newest < 0 ? undefined : newest;
}

/** A tracer emulates what it likes, so it is asked about new calls too. */
function isPermissive(otherwise: Verdict): boolean {
  const action = (otherwise & 0xffff_0000) >>> 0;
  return action === verdict.allow || action === verdict.log || action === verdict.trace;
}

interface Section {
  readonly audit: number;
  readonly segments: readonly Segment[];
}

/** Last to first: the sections in reverse, then the choice between them, so that the machine's own section comes right behind it. */
function writeProgram(writer: BpfWriter, sections: readonly Section[], otherwise: Verdict): Uint8Array {
  const starts = sections.toReversed().map(({ audit, segments }) => {
    writer.enter(writeSearch(writer, segments, otherwise));
    return { audit, start: writer.load(field.nr) };
  });
  let next: Target = { verdict: verdict.killThread };
  for (const { audit, start } of starts) next = writer.compare(op.equal, audit, start, next);
  writer.enter(next);
  writer.load(field.arch);
  return writer.finish();
}

/** Finds the number's segment by halving. */
function writeSearch(writer: BpfWriter, segments: readonly Segment[], otherwise: Verdict): Target {
  if (segments.length === 1) return writeLeaf(writer, segments[0]!.leaf, otherwise);
  const middle = segments.length >> 1;
  const upper = writeSearch(writer, segments.slice(middle), otherwise);
  const lower = writeSearch(writer, segments.slice(0, middle), otherwise);
  return writer.compare(op.greaterOrEqual, segments[middle]!.from, upper, lower);
}

function writeLeaf(writer: BpfWriter, leaf: Leaf, otherwise: Verdict): Target {
  if (leaf.kind === 'verdict') return { verdict: leaf.verdict };
  let next: Target = { verdict: otherwise };
  for (const chain of leaf.chains.toReversed()) next = writeChain(writer, chain.conditions, leaf.wordBits, { verdict: chain.verdict }, next);
  return next;
}
