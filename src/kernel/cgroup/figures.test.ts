// Figures of both versions, from files as kernels write them (6.1 and 6.18, shortened).
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Fd, O } from '../fd.ts';
import { readFigures1 } from './figures1.ts';
import { readFigures2 } from './figures2.ts';
import type { Hierarchy } from './hierarchy.ts';

function tree(t: TestContext, files: Readonly<Record<string, string>>): Hierarchy {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-figures-'));
  mkdirSync(join(dir, 'group'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'group', name), text);
  const root = Fd.open(dir, O.PATH | O.DIRECTORY);
  t.after(() => { root[Symbol.dispose](); rmSync(dir, { recursive: true }); });
  return { version: 1, mountPoint: dir, name: 'x', options: '', controllers: new Set(), root };
}

test('readFigures1() puts together what the trees of version 1 tell, and reads the files anew each time', (t) => {
  const files = {
    'cpuacct.usage_percpu': '67396611 18071033 \n', 'cpuacct.stat': 'user 4\nsystem 5\n', 'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 7\n',
    'memory.usage_in_bytes': '360448\n', 'memory.max_usage_in_bytes': '4845568\n', 'memory.failcnt': '2\n', 'memory.stat': 'cache 1\nhierarchical_memory_limit 67108864\ntotal_inactive_file 5\n',
    'pids.current': '3\n', 'pids.max': 'max\n', 'blkio.throttle.io_service_bytes_recursive': '254:0 Read 4096\n254:0 Write 0\nTotal 4096\n',
  };
  const all = tree(t, files);
  using reader = readFigures1(new Map(['cpu', 'cpuacct', 'memory', 'pids', 'blkio'].map((name) => [name, all])), 'group');
  assert.deepEqual(reader.read(), {
    cpu: { totalNs: 85467644, userNs: 40_000_000, kernelNs: 50_000_000, perCpuNs: [67396611, 18071033], periods: 10, throttledPeriods: 3, throttledNs: 7 },
    memory: { usageBytes: 360448, maxUsageBytes: 4845568, failures: 2, limitBytes: 67108864, details: { cache: 1, hierarchical_memory_limit: 67108864, total_inactive_file: 5 } },
    pids: { current: 3, limit: undefined },
    blockIo: { bytes: [{ major: 254, minor: 0, operation: 'Read', value: 4096 }, { major: 254, minor: 0, operation: 'Write', value: 0 }], operations: [] },
  });
  writeFileSync(join(all.mountPoint, 'group/memory.stat'), 'hierarchical_memory_limit 9223372036854771712\n');
  writeFileSync(join(all.mountPoint, 'group/pids.max'), '50\n');
  const again = reader.read();
  assert.deepEqual([again?.memory?.limitBytes, again?.pids], [undefined, { current: 3, limit: 50 }]);
});

test('readFigures2() reads the one tree of version 2', (t) => {
  const all = tree(t, {
    'cpu.stat': 'usage_usec 100\nuser_usec 60\nsystem_usec 40\nnr_periods 0\nnr_throttled 0\nthrottled_usec 9\n', 'memory.current': '4096\n', 'memory.max': 'max\n', 'memory.stat': 'anon 1\ninactive_file 2\n',
    'pids.current': '1\n', 'pids.max': '7\n', 'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 \n',
  });
  using reader = readFigures2(all, 'group');
  assert.deepEqual(reader.read(), {
    cpu: { totalNs: 100_000, userNs: 60_000, kernelNs: 40_000, periods: 0, throttledPeriods: 0, throttledNs: 9000 },
    memory: { usageBytes: 4096, limitBytes: undefined, details: { anon: 1, inactive_file: 2 } }, pids: { current: 1, limit: 7 },
    blockIo: {
      bytes: [{ major: 8, minor: 0, operation: 'read', value: 1 }, { major: 8, minor: 0, operation: 'write', value: 2 }],
      operations: [{ major: 8, minor: 0, operation: 'read', value: 3 }, { major: 8, minor: 0, operation: 'write', value: 4 }],
    },
  });
});

test('read() says that a group is not there, and reads files longer than its buffer', (t) => {
  const none = tree(t, {});
  using first = readFigures1(new Map([['memory', none]]), 'group');
  using second = readFigures2(none, 'nowhere');
  assert.deepEqual([first.read(), second.read()], [undefined, undefined]);
  const long = tree(t, { 'cpu.stat': `usage_usec 1\n${Array.from({ length: 3000 }, (_, index) => `line_${index} ${index}\n`).join('')}user_usec 5\n` });
  using reader = readFigures2(long, 'group');
  assert.equal(reader.read()?.cpu.userNs, 5000);
});
