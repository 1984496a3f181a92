import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Op } from '../../kernel/index.ts';
import { planExternal, type ExternalSetting } from './external.ts';

const root = { kind: 'overlay', layersDir: '/layers', lowerDirs: ['a'], upperDir: '/c/upper', workDir: '/c/work', mergedDir: '/merged' } as const;
const opsOf = (setting: Partial<ExternalSetting>): readonly Op[] => planExternal({ command: ['/usr/bin/runc', 'run'], directory: '/bundle', terminal: false, ...setting }).filter((step) => 'call' in step);
const callsOf = (setting: Partial<ExternalSetting>): readonly string[] => opsOf(setting).map(({ call }) => call);

test('planExternal() mounts the root in a mount namespace of the program\'s own, before anything else of it', () => {
  const ops = opsOf({ mounts: { root } });
  const mounts = ops.filter(({ call }) => call === 'mount');
  assert.deepEqual(mounts.map(({ args }) => args[1]), ['/', '/merged']);
  assert.ok(ops.findIndex(({ args }) => args[1] === '/') < ops.findIndex(({ args }) => args[1] === '/merged'));
  assert.equal(ops.at(-2)?.call, 'execve');
});

test('planExternal() puts lent memory where the bundle names it', () => {
  const lent = { destination: '/dev/shm', namespace: '/proc/7/ns/mnt', onto: '/bundle/shm' };
  const move = opsOf({ mounts: { root, lent } }).find(({ call }) => call === 'move_mount');
  assert.deepEqual(move?.args.slice(0, 4), [{ resultOf: 'source of /dev/shm' }, '', -100, '/bundle/shm']);
});

test('planExternal() mounts nothing for an exec', () => {
  assert.ok(!callsOf({}).some((call) => call === 'mount' || call === 'move_mount'));
});

test('planExternal() gives the program no streams where the process has a terminal', () => {
  const streams = (terminal: boolean) => opsOf({ terminal }).filter(({ call }) => call === 'dup3').map(({ args }) => args[0]);
  assert.deepEqual(streams(true), [{ slot: 'stdin' }, { slot: 'stdin' }, { slot: 'stdin' }]);
  assert.deepEqual(streams(false), [{ slot: 'stdin' }, { slot: 'stdout' }, { slot: 'stderr' }]);
});
