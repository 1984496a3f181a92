import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFail } from '../../base/index.ts';
import type { Seccomp } from '../../spec/oci/runtime.ts';
import { type Abi, abis } from './abi.ts';
import { compileSeccomp, seccompFlags } from './compile.ts';
import { interpret } from './interpret.ts';
import { anyRules, asPassed, edgeValues, meaning, sampleNames } from './profile.fixture.ts';
import { describeVerdict } from './verdict.ts';

const everywhere = Object.values(abis).map((abi) => abi.name);
const machines = { x64: [abis.x64, abis.i386, abis.x32], arm64: [abis.arm64, abis.arm] } as const satisfies Record<string, readonly Abi[]>;

function answer(profile: Seccomp, abi: Abi, nr: number, args: readonly bigint[] = [], machine: 'x64' | 'arm64' = 'x64'): string {
  return describeVerdict(interpret(compileSeccomp(profile, machine), { nr, audit: abi.audit, args }));
}

/** Compares a compiled profile with its meaning for the sampled calls, their neighbours and a spread of arguments. */
function assertMeaning(profile: Seccomp, machine: 'x64' | 'arm64', names: readonly string[] = sampleNames): void {
  const program = compileSeccomp(profile, machine);
  for (const abi of machines[machine]) {
    const numbers = names.flatMap((name) => abi.numbers().get(name) ?? []).flatMap((number) => [number, number + 1]);
    for (const nr of [...numbers, abi.base, abi.base + 600]) {
      for (let k = 0; k < 12; k++) {
        const args = [0, 1, 2, 3].map((index) => asPassed(abi, edgeValues[(k * 7 + index * 5 * k + index) % edgeValues.length]!));
        assert.equal(describeVerdict(interpret(program, { nr, audit: abi.audit, args })), describeVerdict(meaning(profile, abi, nr, args)), `${abi.name} ${nr} (${args.join(', ')})`);
      }
    }
  }
}

for (const machine of ['x64', 'arm64'] as const) {
  test(`compileSeccomp() gives random profiles the verdicts that they mean on ${machine}`, () => {
    const answers = [{ action: 'SCMP_ACT_ALLOW' }, { action: 'SCMP_ACT_ERRNO', errnoRet: 7 }, { action: 'SCMP_ACT_TRACE', errnoRet: 9 }, { action: 'SCMP_ACT_KILL' }] as const;
    fc.assert(fc.property(anyRules(answers), fc.constantFrom('SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_LOG', 'SCMP_ACT_ALLOW'), (syscalls, defaultAction) => {
      assertMeaning({ defaultAction, architectures: everywhere, syscalls }, machine);
    }), { numRuns: 60 });
  });
}

test('compileSeccomp() reaches over more than 255 instructions', () => {
  const args = (value: number) => [{ index: 1, op: 'SCMP_CMP_NE', value: value * 2 ** 20 }, { index: 0, op: 'SCMP_CMP_GT', value }] as const;
  const syscalls = [...abis.x64.numbers().keys()].slice(0, 100).map((name, k) => ({ names: [name], action: 'SCMP_ACT_ALLOW', args: args(k) }) as const);
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls, architectures: everywhere };
  assert.ok(compileSeccomp(profile, 'x64').length / 8 > 1000);
  assertMeaning(profile, 'x64', syscalls.flatMap((rule) => rule.names));
});

test('compileSeccomp() refuses a profile that needs more instructions than the kernel takes', () => {
  const syscalls = Array.from({ length: 1100 }, (_, value) => ({ names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, op: 'SCMP_CMP_EQ', value }] }) as const);
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, 'x64'), (error) => isFail(error, 'invalid') && /needs \d+ instructions and the kernel takes 4096/.test(error.message));
});

test('compileSeccomp() ends threads of an architecture that is not let in', () => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
  assert.equal(answer(profile, abis.x64, 0), 'allow');
  for (const abi of [abis.i386, abis.x32, abis.arm64]) assert.equal(answer(profile, abi, abi.base), 'kill thread', abi.name);
  assert.equal(answer({ ...profile, architectures: ['SCMP_ARCH_X86'] }, abis.i386, 0), 'allow');
});

test('compileSeccomp() lets a tracer skip a call when x32 is not let in', () => {
  assert.equal(answer({ defaultAction: 'SCMP_ACT_ALLOW' }, abis.x64, -1), 'allow');
});

test('compileSeccomp() answers ENOSYS for calls that are newer than the profile', () => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read', 'openat2'], action: 'SCMP_ACT_ALLOW' }] };
  assert.equal(answer(profile, abis.x64, abis.x64.numbers().get('openat2')! + 1), 'errno 38');
  assert.equal(answer(profile, abis.x64, abis.x64.numbers().get('mount')!), 'errno 1');
  assert.equal(answer({ ...profile, defaultAction: 'SCMP_ACT_LOG' }, abis.x64, 500), 'log');
});

test('compileSeccomp() lets the first rule without conditions win', () => {
  const args = [{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }] as const;
  const syscalls = [
    { names: ['kill'], action: 'SCMP_ACT_ERRNO', errnoRet: 3, args }, { names: ['kill'], action: 'SCMP_ACT_LOG' }, { names: ['kill'], action: 'SCMP_ACT_ALLOW' },
  ] as const;
  assert.equal(answer({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, abis.x64, abis.x64.numbers().get('kill')!, [1n]), 'log');
});

test('compileSeccomp() skips names that nobody knows and architectures of other machines', () => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_S390X'], syscalls: [{ names: ['no_such_call', 'read'], action: 'SCMP_ACT_ALLOW' }] };
  assert.equal(answer(profile, abis.x64, 0), 'allow');
});

test('compileSeccomp() refuses what it cannot do, by name', () => {
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_Z80'] }, 'x64'), /Unknown seccomp architecture: "SCMP_ARCH_Z80"/);
});

test('compileSeccomp() asks an agent, and seccompFlags() then wants its descriptor', () => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', flags: [], syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] };
  assert.equal(answer(profile, abis.x64, 83), 'ask the agent');
  assert.equal(seccompFlags(profile), 8);
});

test('seccompFlags() turns off speculation limits unless the profile has flags of its own', () => {
  assert.equal(seccompFlags({ defaultAction: 'SCMP_ACT_ALLOW' }), 4);
  assert.equal(seccompFlags({ defaultAction: 'SCMP_ACT_ALLOW', flags: [] }), 0);
  assert.equal(seccompFlags({ defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC'] }), 3);
});
