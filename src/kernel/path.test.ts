import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { Fd, O } from './fd.ts';
import { readFileIn } from './path.ts';

const dir = mkdtempSync(`${tmpdir()}/estiva-path-`);
const root = Fd.open(dir, O.PATH | O.DIRECTORY);
after(() => {
  root[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});
const read = (path: string): string | undefined => {
  const bytes = readFileIn(root, path, 100, 'inside');
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

test('readFileIn() follows links inside the tree only', () => {
  mkdirSync(`${dir}/etc`);
  writeFileSync(`${dir}/etc/passwd`, 'inside');
  for (const [name, target] of [['absolute', '/etc/passwd'], ['relative', '../../../etc/passwd']] as const) {
    symlinkSync(target, `${dir}/${name}`);
    assert.equal(read(name), 'inside');
  }
  assert.equal(read('etc/none'), undefined);
});

test('readFileIn() neither waits for a FIFO nor opens a device', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
  spawnSync('mkfifo', [`${dir}/fifo`]);
  // A device that does not exist: an open would say ENXIO, a look does not.
  spawnSync('mknod', [`${dir}/device`, 'c', '240', '255']);
  for (const name of ['fifo', 'device', 'etc']) assert.throws(() => read(name), { code: 'EINVAL' });
});

test('readFileIn() takes no more than it is told, and no file of /proc', () => {
  writeFileSync(`${dir}/large`, '');
  truncateSync(`${dir}/large`, 2 ** 30);
  assert.throws(() => read('large'), { code: 'EFBIG' });
  using proc = Fd.open('/proc', O.PATH | O.DIRECTORY);
  assert.throws(() => readFileIn(proc, 'uptime', 100, 'inside'), { code: 'EINVAL' });
});
