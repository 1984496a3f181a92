import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { Runtimes } from './runtimes.ts';

const dir = mkdtempSync(`${tmpdir()}/estiva-runtimes-`);
after(() => rmSync(dir, { recursive: true }));

/** All tests of the project share one process: PATH is another only while `body` runs. */
function withPath(body: () => void): () => void {
  return () => {
    const before = process.env['PATH'];
    process.env['PATH'] = `${dir}:relative`;
    try {
      body();
    } finally {
      process.env['PATH'] = before;
    }
  };
}

function install(name: string, mode = 0o755): string {
  writeFileSync(`${dir}/${name}`, '');
  chmodSync(`${dir}/${name}`, mode);
  return `${dir}/${name}`;
}

const runtimes = (added: Readonly<Record<string, string>> = {}, defaultName = 'estiva'): Runtimes => new Runtimes({ added: new Map(Object.entries(added)), defaultName });

test('list() has ours first, then what was added, then the well-known ones that are installed, as they come and go', withPath(() => {
  const all = runtimes({ mine: install('mine') });
  assert.deepEqual(all.list(), [{ name: 'estiva', path: 'estiva' }, { name: 'mine', path: `${dir}/mine` }]);
  install('crun');
  install('runc', 0o644);
  assert.deepEqual(all.list().map(({ name }) => name), ['estiva', 'mine', 'crun']);
  rmSync(`${dir}/crun`);
  assert.deepEqual(all.list().map(({ name }) => name), ['estiva', 'mine']);
}));

test('find() knows ours as undefined, an added one by its own path, and nobody else', withPath(() => {
  const all = runtimes({ runc: install('other'), named: 'other' });
  assert.equal(all.find('estiva'), undefined);
  assert.deepEqual(all.find('runc'), { name: 'runc', path: `${dir}/other` });
  assert.deepEqual(all.find('named'), { name: 'named', path: `${dir}/other` });
  assert.throws(() => all.find('other'), /^EstivaError: unknown or invalid runtime name: other$/m);
  assert.throws(() => all.find('io.containerd.runc.v2'), /unknown or invalid runtime name/);
}));

test('a Runtimes refuses our name, names that are paths, programs and defaults that are not there', withPath(() => {
  assert.throws(() => runtimes({ estiva: install('any') }), /runtime name 'estiva' is reserved/);
  assert.throws(() => runtimes({ '../x': install('any') }), /Invalid runtime name/);
  assert.throws(() => runtimes({ x: '/no/such/program' }), /there is no program/);
  assert.throws(() => runtimes({ x: './any' }), /there is no program/);
  assert.throws(() => runtimes({}, 'x'), /specified default runtime 'x' does not exist/);
}));
