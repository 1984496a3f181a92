import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { test } from 'node:test';
import { defaultSeccompProfile } from '../../spec/docker/default-seccomp.ts';
import { resolveSeccomp } from '../../spec/docker/seccomp.ts';
import { hostArchitecture } from '../stub.ts';
import { compileSeccomp, seccompFlags } from './compile.ts';

// Another process puts itself under the filter and tries some calls through libc's syscall(): a filter can never be taken off again.
const child = `
const { dlopen, getInt32, getRawPointer } = require('node:ffi');
const { functions: { prctl, syscall, __errno_location } } = dlopen('libc.so.6', {
  prctl: { return: 'i32', arguments: ['i32', 'u64', 'u64', 'u64', 'u64'] },
  syscall: { return: 'i64', arguments: ['i64', 'u64', 'u64', 'u64'] },
  __errno_location: { return: 'pointer', arguments: [] },
});
const { filter, flags, seccomp, exitGroup, calls } = JSON.parse(process.argv[1]);
const program = Buffer.from(filter, 'base64');
const fprog = Buffer.alloc(16);
fprog.writeUInt16LE(program.length / 8, 0);
fprog.writeBigUInt64LE(getRawPointer(program), 8);
const call = (nr, ...args) => (syscall(BigInt(nr), ...args) < 0n ? getInt32(__errno_location()) : 0);
prctl(38, 1n, 0n, 0n, 0n);
const installed = call(seccomp, 1n, BigInt(flags), getRawPointer(fprog));
const answers = calls.map(([nr, argument]) => call(nr, BigInt(argument), 1n, 0n));
console.log(JSON.stringify({ installed, answers, status: require('node:fs').readFileSync('/proc/thread-self/status', 'utf8').match(/Seccomp:\\s*(\\d)/)[1] }));
syscall(BigInt(exitGroup), 0n, 0n, 0n); // before the event loop turns: Node opened an io_uring before the filter and would be refused it now
`;

// The numbers of both machines, independent of our tables.
const numbers = { x64: { seccomp: 317, exitGroup: 231, socket: 41, unshare: 272, ioUringSetup: 425 }, arm64: { seccomp: 277, exitGroup: 94, socket: 198, unshare: 97, ioUringSetup: 425 } }[hostArchitecture()];

test('compileSeccomp() makes a filter that the kernel takes and obeys', () => {
  const profile = resolveSeccomp(defaultSeccompProfile, { architecture: hostArchitecture(), capabilities: [], kernelRelease: release() });
  const request = {
    filter: Buffer.from(compileSeccomp(profile, hostArchitecture())).toString('base64'), flags: seccompFlags(profile), seccomp: numbers.seccomp, exitGroup: numbers.exitGroup,
    calls: [[numbers.socket, 1], [numbers.socket, 38], [numbers.socket, 40], [numbers.unshare, 0x0400_0000], [numbers.ioUringSetup, 1], [499, 0]],
  };
  const { stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', child, JSON.stringify(request)], { encoding: 'utf8', timeout: 20_000 });
  const [allowed, refused, unknown] = [0, 1, 38];
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), { installed: 0, answers: [allowed, refused, refused, refused, refused, unknown], status: '2' });
});
