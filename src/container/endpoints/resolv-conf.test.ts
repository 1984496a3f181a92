import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResolvConf, resolvConfFor } from './resolv-conf.ts';

const host = parseResolvConf('# a\nnameserver 127.0.0.53 # local\nnameserver 10.0.0.1\n;x\nsearch old.example\nsearch a.example b.example\noptions edns0\noptions timeout:1\n');
const nothing = { servers: [], search: [], options: [] };
const lines = (...parameters: Parameters<typeof resolvConfFor>) => resolvConfFor(...parameters).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('parseResolvConf() has the last search list and all options', () => {
  assert.deepEqual(host, { servers: ['127.0.0.53', '10.0.0.1'], search: ['a.example', 'b.example'], options: ['edns0', 'timeout:1'] });
  assert.deepEqual(parseResolvConf('domain d.example\n').search, ['d.example']);
});

test('resolvConfFor() leaves out servers of the host\'s loopback, and takes public ones when none is left', () => {
  assert.deepEqual(lines('plain', host, nothing), ['nameserver 10.0.0.1', 'search a.example b.example', 'options edns0 timeout:1']);
  assert.deepEqual(lines('plain', { ...nothing, servers: ['127.0.0.1', '::1'] }, nothing), ['nameserver 8.8.8.8', 'nameserver 8.8.4.4']);
  assert.deepEqual(lines('host', host, nothing).slice(0, 2), ['nameserver 127.0.0.53', 'nameserver 10.0.0.1']);
});

test('resolvConfFor() names the resolver inside, which asks those servers itself', () => {
  assert.deepEqual(lines('resolver', host, nothing), ['nameserver 127.0.0.11', 'search a.example b.example', 'options edns0 timeout:1 ndots:0']);
  assert.deepEqual(lines('resolver', host, { servers: ['1.1.1.1'], search: ['x.example'], options: ['ndots:2'] }), ['nameserver 127.0.0.11', 'search x.example', 'options ndots:2']);
});

test('resolvConfFor() has what was asked for instead of the host\'s, and no search list for "."', () => {
  assert.deepEqual(lines('plain', host, { servers: ['127.0.0.1'], search: ['.'], options: ['rotate'] }), ['nameserver 127.0.0.1', 'options rotate']);
});
