import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveUser } from './user.ts';

const files: Record<string, string> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n1001:x:5:5::/odd:/bin/sh\nbad:x:-1:0::/:\nbig:x:4294967295:0::/:\n',
  'etc/group': 'root:x:0:\nwheel:x:10:root,bob\nstaff:x:50:bob\nbob:x:1000:\n',
};
const read = (path: string): Uint8Array | undefined => (files[path] === undefined ? undefined : Buffer.from(files[path]));

test('resolveUser() takes names, numbers and groups', () => {
  assert.deepEqual(resolveUser('', [], read), { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' });
  assert.deepEqual(resolveUser('bob', [], read), { uid: 1000, gid: 1000, additionalGids: [1000, 10, 50], home: '/home/bob' });
  assert.deepEqual(resolveUser('1000', [], read), { uid: 1000, gid: 1000, additionalGids: [1000, 10, 50], home: '/home/bob' });
  assert.deepEqual(resolveUser('bob:wheel', [], read), { uid: 1000, gid: 10, additionalGids: [10], home: '/home/bob' });
  assert.deepEqual(resolveUser('4242:17', ['staff', '99'], read), { uid: 4242, gid: 17, additionalGids: [17, 50, 99], home: '/' });
});

test('resolveUser() prefers a name that looks like a number', () => {
  assert.equal(resolveUser('1001', [], read).uid, 5);
});

test('resolveUser() takes a number for itself when the image calls its root by it', () => {
  const disguised = (): Uint8Array => Buffer.from('1000:x:0:0::/root:/bin/sh\n');
  assert.deepEqual(resolveUser('1000:1000', [], disguised), { uid: 1000, gid: 1000, additionalGids: [1000], home: '/' });
});

test('resolveUser() works without the files', () => {
  assert.deepEqual(resolveUser('7', [], () => undefined), { uid: 7, gid: 0, additionalGids: [0], home: '/' });
  assert.throws(() => resolveUser('bob', [], () => undefined), { message: 'unable to find user bob: no matching entries in passwd file' });
});

for (const text of ['-1', '4294967296', '2147483648:0']) {
  test(`resolveUser() refuses ${text}, out of range`, () => {
    assert.throws(() => resolveUser(text, [], read), { kind: 'invalid', message: 'uids and gids must be in range 0-2147483647' });
  });
}

for (const text of ['1e3', '0x0', ' 0', 'bad', 'big', '٣']) {
  test(`resolveUser() never takes ${JSON.stringify(text)} for root`, () => {
    assert.throws(() => resolveUser(text, [], read), { kind: 'invalid' });
  });
}
