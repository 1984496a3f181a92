import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemble, type Op } from '../kernel/index.ts';
import { explain } from './explain.ts';

function words(op: Op): string {
  return explain(assemble([op], 'x64'))[0]!.text;
}

test('explain() says mounts and flags by name', () => {
  assert.equal(words({ call: 'mount', args: ['proc', '.', 'proc', 2 | 8, 0] }), '"proc" on "." type "proc" nosuid,noexec');
  assert.equal(words({ call: 'unshare', args: [0x2000000] }), 'cgroup');
});

test('explain() names what prctl is asked for, and capabilities', () => {
  assert.equal(words({ call: 'prctl', args: [24, 21, 0, 0, 0] }), 'drop from the bounding set CAP_SYS_ADMIN');
  assert.equal(words({ call: 'prctl', args: [38, 1, 0, 0, 0] }), 'no new privileges 1');
});

test('explain() shortens ids and shows the program as a list of words', () => {
  assert.equal(words({ call: 'chdir', args: [`/c/${'ab'.repeat(32)}/merged`] }), '"/c/abababababab…/merged"');
  assert.equal(words({ call: 'execve', args: ['/bin/sh', { strings: ['sh', '-c', 'id'] }, { strings: [] }] }), '"/bin/sh" ["sh","-c","id"]');
});
