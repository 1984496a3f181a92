import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from './arena.ts';
import { hostArchitecture } from './stub.ts';
import { assemble, headerBytes, opBytes, readFailedOp, type Step } from './program.ts';

function run(steps: readonly Step[]): { readonly arena: Arena; readonly results: readonly number[] } {
  const image = assemble(steps, hostArchitecture());
  const arena = Arena.load(image);
  arena.run();
  return { arena, results: image.ops.map((_, i) => arena.result(i)) };
}

const ENOENT = -2;

test('assemble() makes a program that the stub runs in order', () => {
  const { arena, results } = run([{ call: 'getpid', args: [], onError: 'ignore' }, { call: 'getppid', args: [], onError: 'ignore' }]);
  assert.deepEqual(results, [process.pid, process.ppid]);
  arena[Symbol.dispose]();
});

test('assemble() jumps on errors and on positive results, over what lies between', () => {
  const { arena, results } = run([
    { call: 'openat', args: [-100, '/nope', 0, 0], onError: { goto: 'there' } },
    { call: 'getpid', args: [], onError: 'ignore' },
    { call: 'getppid', args: [], label: 'there', onPositive: { goto: 'end' } },
    { call: 'getpid', args: [], onError: 'ignore' },
    { label: 'end' },
  ]);
  assert.deepEqual(results, [ENOENT, 0, process.ppid, 0]);
  arena[Symbol.dispose]();
});

test('assemble() gives an op the result of another, and a slot its value', () => {
  const image = assemble([
    { call: 'openat', args: [-100, '/proc/self/status', 0, 0], label: 'file', onError: 'ignore' },
    { call: 'pread64', args: [{ resultOf: 'file' }, { space: 'text', sizeBytes: 5 }, { slot: 'count' }, 0], onError: 'ignore' },
    { call: 'close', args: [{ resultOf: 'file' }], onError: 'ignore' },
  ], hostArchitecture());
  using arena = Arena.load(image);
  arena.setWord64(image.slots.get('count')!, 5);
  arena.run();
  assert.equal(arena.result(1), 5);
  assert.equal(arena.int32(image.spaces.get('text')!), Buffer.from('Name').readInt32LE());
});

test('assemble() puts pointers into structures and lists of strings into memory', () => {
  const image = assemble([{ call: 'execve', args: ['/bin/x', { strings: ['a', 'bc'] }, { struct: new Uint8Array(16), pointers: { 8: 'text' } }] }], 'x64');
  const view = new DataView(image.bytes.buffer, image.bytes.byteOffset);
  const text = (at: number): string => Buffer.from(image.bytes.subarray(at, image.bytes.indexOf(0, at))).toString();
  const [path, list, struct] = [0, 1, 2].map((k) => Number(view.getBigUint64(headerBytes + 8 + k * 8, true)));
  assert.equal(text(path!), '/bin/x');
  assert.deepEqual([text(Number(view.getBigUint64(list!, true))), text(Number(view.getBigUint64(list! + 8, true))), view.getBigUint64(list! + 16, true)], ['a', 'bc', 0n]);
  assert.equal(text(Number(view.getBigUint64(struct! + 8, true))), 'text');
  assert.equal(image.relocations.length, 6);
});

test('assemble() refuses missing and double labels, NUL in strings, and a seventh argument', () => {
  assert.throws(() => assemble([{ call: 'getpid', args: [], onError: { goto: 'nowhere' } }], 'x64'), /missing/);
  assert.throws(() => assemble([{ label: 'a' }, { label: 'a' }], 'x64'), /twice/);
  assert.throws(() => assemble([{ call: 'chdir', args: ['a\0b'] }], 'x64'), { kind: 'invalid' });
  assert.throws(() => assemble([{ call: 'getpid', args: [1, 2, 3, 4, 5, 6, 7] }], 'x64'), /arguments/);
});

test('assemble() uses each architecture\'s numbers', () => {
  const number = (architecture: 'x64' | 'arm64'): number => new DataView(assemble([{ call: 'mount', args: [] }], architecture).bytes.slice().buffer).getInt32(headerBytes, true);
  assert.deepEqual([number('x64'), number('arm64')], [165, 40]);
});

test('assemble({ failAt }) makes that op fail as the kernel does for an unknown call', () => {
  const image = assemble([{ call: 'getpid', args: [], onError: 'ignore' }, { call: 'getpid', args: [], onError: 'ignore' }], hostArchitecture(), { failAt: 1 });
  using arena = Arena.load(image);
  arena.run();
  assert.deepEqual([arena.result(0), arena.result(1)], [process.pid, -38]);
});

test('assemble() holds images that outgrow their first memory', () => {
  const strings = Array.from({ length: 5000 }, (_, i) => `variable_${i}=${'v'.repeat(50)}`);
  const image = assemble([{ call: 'execve', args: ['/x', { strings }, 0] }], 'x64');
  assert.ok(image.bytes.length > 5000 * 60);
  using arena = Arena.load(image);
  assert.ok(arena.word64(headerBytes + 8) > 0);
});

test('readFailedOp() reads the index and the errno of a record', () => {
  const image = assemble([{ call: 'getpid', args: [] }, { call: 'getpid', args: [], onPositive: { goto: 'x' } }, { label: 'x' }], 'x64');
  const record = Buffer.from(image.bytes.subarray(headerBytes + opBytes, headerBytes + 2 * opBytes));
  record.writeBigInt64LE(-13n, 64);
  assert.deepEqual(readFailedOp(record), { index: 1, errno: 13 });
  assert.throws(() => readFailedOp(record.subarray(1)), /80 bytes/);
});
