// Our filters against libseccomp's. Both are run for every call with edge arguments and must give the same verdict. What is compared leaves out
// what the library (2.5.4 and 2.6.1 were looked at) gets wrong:
// - with several ranges on one argument, and when all rules of an ABI have conditions, its programs lose branches or the load of the number;
// - several ABIs in one small program: same loss. So each ABI is compared alone, and only the default profile as a whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { defaultSeccompProfile } from '../../spec/docker/default-seccomp.ts';
import { resolveSeccomp } from '../../spec/docker/seccomp.ts';
import type { Seccomp, SeccompRule } from '../../spec/oci/runtime.ts';
import { type Abi, abis } from './abi.ts';
import { compileSeccomp } from './compile.ts';
import { interpret } from './interpret.ts';
import { openOracle, type Oracle } from './libseccomp.fixture.ts';
import { anyRules, asPassed, edgeValues } from './profile.fixture.ts';
import { describeVerdict } from './verdict.ts';

const oracle = openOracle();
const skip = typeof oracle === 'string' ? oracle : false;
const machines = { x64: [abis.x64, abis.i386, abis.x32], arm64: [abis.arm64, abis.arm] } as const satisfies Record<string, readonly Abi[]>;

/** The profile without the names that are newer than the library, on any of its ABIs. */
function known({ numberOf }: Oracle, profile: Seccomp, family: readonly Abi[]): Seccomp {
  const isKnown = (name: string): boolean => family.every((abi) => !abi.numbers().has(name) || numberOf(name, abi) >= 0);
  return { ...profile, syscalls: (profile.syscalls ?? []).map((rule) => ({ ...rule, names: rule.names.filter(isKnown) })) };
}

function assertSame(ours: Uint8Array, theirs: Uint8Array, abi: Abi, numbers: Iterable<number>, argumentSets: readonly (readonly bigint[])[]): void {
  for (const nr of numbers) {
    for (const args of argumentSets) {
      const call = { nr, audit: abi.audit, args };
      const [our, their] = [interpret(ours, call), interpret(theirs, call)];
      if (our !== their) assert.fail(`${abi.name} ${nr} (${args.join(', ')}): ours ${describeVerdict(our)}, libseccomp ${describeVerdict(their)}`);
    }
  }
}

test('numbers() agree with libseccomp where it has the call', { skip }, () => {
  assert.ok(typeof oracle !== 'string');
  for (const abi of Object.values(abis)) {
    for (const [name, number] of abi.numbers()) {
      const theirs = oracle.numberOf(name, abi);
      if (theirs >= 0) assert.equal(number, theirs, `${abi.name} ${name}`);
    }
  }
});

for (const machine of ['x64', 'arm64'] as const) {
  test(`compileSeccomp() agrees with libseccomp on the default profile of ${machine}`, { skip }, () => {
    assert.ok(typeof oracle !== 'string');
    for (const capabilities of [[], ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_BPF'], ['CAP_SYS_CHROOT', 'CAP_SYSLOG']]) {
      const profile = known(oracle, resolveSeccomp(defaultSeccompProfile, { architecture: machine, capabilities, kernelRelease: '6.18.0' }), machines[machine]);
      const theirs = oracle.compile(profile, machines[machine]);
      const ours = compileSeccomp(profile, machine);
      for (const abi of machines[machine]) {
        const newest = Math.max(...(profile.syscalls ?? []).flatMap((rule) => rule.names.map((name) => abi.numbers().get(name) ?? -1)));
        const sets = [0n, 8n, 38n, 39n, 40n, 0x2000_0000n, 0xffff_ffffn, 0xffff_ffff_0000_0026n].map((value) => Array.from({ length: 3 }, () => asPassed(abi, value)));
        assertSame(ours, theirs, abi, range(abi.base, Math.min(newest, abi.base + 600) + 1), sets);
      }
    }
  });
}

test('compileSeccomp() agrees with libseccomp on random profiles', { skip }, () => {
  assert.ok(typeof oracle !== 'string');
  // The first makes every ABI have a rule without conditions; the second makes no call newer than the profile.
  const frame: readonly SeccompRule[] = [{ names: ['getpid'], action: 'SCMP_ACT_ALLOW' }, { names: ['rseq_slice_yield', 'pwritev2'], action: 'SCMP_ACT_TRAP' }];
  fc.assert(fc.property(anyRules([{ action: 'SCMP_ACT_ALLOW' }]), (rules) => {
    const profile: Seccomp = { defaultAction: 'SCMP_ACT_TRAP', architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'], syscalls: [...frame, ...reliable(rules)] };
    const ours = compileSeccomp(profile, 'x64');
    for (const abi of machines.x64) {
      const numbers = new Set(profile.syscalls!.flatMap((rule) => rule.names).flatMap((name) => [name, abi.multiplexed.get(name)?.through ?? name]).flatMap((name) => abi.numbers().get(name) ?? []));
      const sets = edgeValues.map((_, k) => [0, 1, 2, 3].map((index) => asPassed(abi, edgeValues[(k * 7 + index * 5 * k + index) % edgeValues.length]!)));
      assertSame(ours, oracle.compile(profile, [abi]), abi, numbers, sets);
    }
  }), { numRuns: 150 });
});

/** The rules on which the library can be relied: one per call (with its multiplexer), or several that only say "equal". */
function reliable(rules: readonly SeccompRule[]): readonly SeccompRule[] {
  const kin = (rule: SeccompRule): string => abis.i386.multiplexed.get(rule.names[0]!)?.through ?? rule.names[0]!;
  const isEqualOnly = ({ args = [] }: SeccompRule): boolean => args.every(({ op }) => op === 'SCMP_CMP_EQ');
  const single = rules.filter(({ args = [] }) => new Set(args.map((arg) => arg.index)).size === args.length);
  return single.filter((rule, index) => single.findIndex((other) => kin(other) === kin(rule)) === index
    || (!['socketcall', 'ipc'].includes(kin(rule)) && single.every((other) => kin(other) !== kin(rule) || isEqualOnly(other))));
}

function* range(from: number, end: number): Generator<number> {
  for (let number = from; number < end; number++) yield number;
}
