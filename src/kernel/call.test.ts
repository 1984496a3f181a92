import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { call, tryCall } from './call.ts';
import { KernelError } from './error.ts';
import { recordKernel } from './fake.ts';
import { Fd, O } from './fd.ts';

test('call() returns what the kernel returns', () => {
  assert.equal(call('getpid'), process.pid);
});

test('call() throws with call, operand and errno by name', () => {
  assert.throws(() => call('openat', -100, '/does/not/exist', 0, 0), (error: unknown) => error instanceof KernelError && error.code === 'ENOENT' && error.message === 'openat "/does/not/exist": ENOENT');
});

test('call() refuses a string that contains NUL, which would name another file', () => {
  assert.throws(() => call('openat', -100, '/etc/passwd\0.txt', 0, 0), { kind: 'invalid' });
});

test('call() passes a string of any length that fits, and answers ENAMETOOLONG for more', () => {
  assert.equal(tryCall('openat', -100, 'x'.repeat(5000), 0, 0), -constants.errno.ENAMETOOLONG);
  assert.throws(() => call('openat', -100, 'x'.repeat(200_000), 0, 0), { code: 'ENAMETOOLONG' });
});

test('call() gives back what the kernel writes into small and into large buffers', () => {
  for (const size of [100, 100_000]) {
    using zero = Fd.open('/dev/zero', O.RDONLY);
    const bytes = new Uint8Array(size).fill(7);
    assert.equal(call('read', zero.number, bytes, size), size);
    assert.ok(bytes.every((byte) => byte === 0));
  }
});

test('call() passes negative numbers and numbers above 32 bits whole', () => {
  using file = Fd.open('/dev/zero', O.RDONLY);
  assert.equal(tryCall('close', -1), -constants.errno.EBADF);
  assert.equal(call('pread64', file.number, new Uint8Array(1), 1, 2 ** 40), 1);
  assert.equal(tryCall('pread64', file.number, new Uint8Array(1), 1, -1), -constants.errno.EINVAL);
});

test('recordKernel() sees calls and fails the nth of a name', () => {
  using kernel = recordKernel();
  kernel.failNth('getppid', 2, 'EIO');
  assert.equal(tryCall('getppid'), process.ppid);
  assert.equal(tryCall('getppid'), -constants.errno.EIO);
  assert.equal(tryCall('getppid'), process.ppid);
  assert.deepEqual(kernel.calls.map(({ name }) => name), ['getppid', 'getppid', 'getppid']);
});

test('Fd closes once, and says so when it is used afterwards', () => {
  const [read, write] = Fd.pipe();
  const number = read.number;
  read[Symbol.dispose]();
  read[Symbol.dispose]();
  assert.throws(() => read.number, /closed/);
  assert.equal(tryCall('read', number, new Uint8Array(1), 1), -constants.errno.EBADF);
  write[Symbol.dispose]();
});
