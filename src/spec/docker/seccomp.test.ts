import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { parseSeccompProfile, resolveSeccomp, type SeccompCircumstances, type SeccompProfile } from './seccomp.ts';

const here: SeccompCircumstances = { architecture: 'x64', capabilities: ['CAP_CHOWN'], kernelRelease: '6.18.44-generic' };

function parse(profile: object): SeccompProfile {
  return parseSeccompProfile(JSON.stringify(profile));
}

function assertRefused(text: string, message: string): void {
  assert.throws(() => parseSeccompProfile(text), (error) => isFail(error, 'invalid') && error.message.startsWith(`Cannot read seccomp profile: ${message}`), message);
}

const rule = (more: object): string => JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', ...more }] });

test('parseSeccompProfile() reads every field', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }], flags: ['SECCOMP_FILTER_FLAG_LOG'],
    syscalls: [{
      names: ['read', 'write'], action: 'SCMP_ACT_TRACE', errnoRet: 2, comment: 'why', args: [{ index: 5, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
      includes: { caps: ['CAP_CHOWN'], arches: ['amd64'], minKernel: '4.8' }, excludes: {},
    }],
  };
  assert.deepEqual(parse(profile), profile);
});

test('parseSeccompProfile() takes the spellings of old profiles, of Go and of podman', () => {
  const profile = parse({
    defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, defaultErrno: 'ENOSYS', archMap: [{ architecture: 'SCMP_ARCH_RISCV64', subArchitectures: null }],
    syscalls: [{ name: 'read', names: [], action: 'SCMP_ACT_ERRNO', errnoRet: 1, errno: 'EPERM', args: null, comment: '', includes: {}, excludes: {} }],
  });
  assert.deepEqual(profile.syscalls[0]?.names, ['read']);
  assert.deepEqual(profile.archMap?.[0]?.subArchitectures, []);
});

test('parseSeccompProfile() keeps 64-bit values exact', () => {
  const text = rule({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] }).replace('"value":1', '"value":18446744073709551615');
  assert.equal(parseSeccompProfile(text).syscalls[0]?.args?.[0]?.value, 2n ** 64n - 1n);
});

test('parseSeccompProfile() names the field that is wrong', () => {
  assertRefused('{', '');
  assertRefused('[]', 'expected an object');
  assertRefused('{}', 'defaultAction: expected one of SCMP_ACT_ALLOW, ');
  assertRefused('{"defaultAction":"SCMP_ACT_ALLOW","sycalls":[]}', 'sycalls: unknown field');
  assertRefused('{"defaultAction":"SCMP_ACT_ALLOW","architectures":["a"],"archMap":[{}]}', 'architectures: use either "architectures" or "archMap"');
  assertRefused('{"defaultAction":"SCMP_ACT_ERRNO","defaultErrno":"ENOSYS"}', 'defaultErrno: only understood beside "defaultErrnoRet"');
  assertRefused(rule({ action: 'ALLOW' }), 'syscalls[0].action: expected one of ');
  assertRefused(rule({ names: [] }), 'syscalls[0].names: expected names of system calls');
  assertRefused(rule({ name: 'write' }), 'syscalls[0].name: use either "name" or "names"');
  assertRefused(rule({ errnoRet: -1 }), 'syscalls[0].errnoRet: expected an integer from 0 to 65535');
  assertRefused(rule({ args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }), 'syscalls[0].args[0].index: expected an integer from 0 to 5');
  assertRefused(rule({ args: [{ index: 0, value: -1, op: 'SCMP_CMP_EQ' }] }), 'syscalls[0].args[0].value: expected an integer from 0 to 18446744073709551615');
  assertRefused(rule({ args: [{ index: 0, value: 1.5, op: 'SCMP_CMP_EQ' }] }), 'syscalls[0].args[0].value: expected an integer');
  assertRefused(rule({ args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQUAL' }] }), 'syscalls[0].args[0].op: expected one of ');
  assertRefused(rule({ includes: { minKernel: 'new' } }), 'syscalls[0].includes.minKernel: expected a kernel version like "4.8", not "new"');
  assertRefused(rule({ includes: { cap: ['CAP_CHOWN'] } }), 'syscalls[0].includes.cap: unknown field');
});

const podmanFile = '/usr/share/containers/seccomp.json';
test("parseSeccompProfile() reads podman's profile", { skip: existsSync(podmanFile) ? false : `${podmanFile} is not there` }, () => {
  assert.ok(parseSeccompProfile(readFileSync(podmanFile, 'utf8')).syscalls.length > 10);
});

test('resolveSeccomp() keeps the rules whose conditions hold', () => {
  const holds = (conditions: object, circumstances: Partial<SeccompCircumstances> = {}): boolean =>
    resolveSeccomp(parseSeccompProfile(rule(conditions)), { ...here, ...circumstances }).syscalls?.length === 1;
  assert.ok(holds({}));
  assert.ok(holds({ includes: { caps: ['CAP_CHOWN'] } }));
  assert.ok(!holds({ includes: { caps: ['CAP_CHOWN', 'CAP_KILL'] } }));
  assert.ok(!holds({ excludes: { caps: ['CAP_CHOWN', 'CAP_KILL'] } }));
  assert.ok(holds({ includes: { arches: ['amd64'] }, excludes: { arches: ['arm64'] } }));
  assert.ok(!holds({ includes: { arches: ['amd64'] } }, { architecture: 'arm64' }));
  assert.ok(!holds({ excludes: { arches: ['amd64'] } }));
  assert.ok(holds({ includes: { minKernel: '6.18' }, excludes: { minKernel: '6.19' } }));
  assert.ok(!holds({ includes: { minKernel: '6.18' } }, { kernelRelease: '6.2.0' }));
  assert.ok(!holds({ excludes: { minKernel: '4.8' } }, { kernelRelease: '10.0' }));
});

test('resolveSeccomp() chooses the architectures of the machine', () => {
  const archMap = [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }, { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] }];
  const profile = parse({ defaultAction: 'SCMP_ACT_ALLOW', archMap });
  assert.deepEqual(resolveSeccomp(profile, here).architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  assert.deepEqual(resolveSeccomp(profile, { ...here, architecture: 'arm64' }).architectures, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
  assert.deepEqual(resolveSeccomp(parse({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X32'] }), here).architectures, ['SCMP_ARCH_X32']);
});
