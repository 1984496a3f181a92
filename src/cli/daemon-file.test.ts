import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { withDaemonFile } from './daemon-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'estiva-daemon-file-'));
after(() => { rmSync(dir, { recursive: true }); });

const nothing = { root: undefined, debug: false, 'registry-mirror': [], 'add-runtime': [] };

function settings(json: string, values: object = nothing, environment: Record<string, string> = {}): unknown {
  const path = join(dir, 'daemon.json');
  writeFileSync(path, json);
  return withDaemonFile(values as Record<string, unknown>, { path, environment });
}

test('what the file says is what the flags would have said', () => {
  const json = JSON.stringify({ 'data-root': '/srv', debug: true, 'registry-mirrors': ['https://m'], runtimes: { crun: { path: '/usr/bin/crun' } }, 'image-budget': '1GB', hosts: ['unix:///x'], 'max-concurrent-downloads': 7 });
  assert.deepEqual(settings(json), { root: '/srv', debug: true, 'registry-mirror': ['https://m'], 'add-runtime': ['crun=/usr/bin/crun'], 'image-budget': 1 << 30, host: 'unix:///x', 'max-concurrent-downloads': 7 });
  assert.deepEqual(settings('{}'), nothing);
  assert.deepEqual(settings('{"data-root":"/srv"}', { root: '/srv' }), { root: '/srv' });
});

test('the environment goes before the file', () => {
  assert.deepEqual(settings('{"data-root":"/srv"}', nothing, { ESTIVA_ROOT: '/mine' }), nothing);
  assert.deepEqual(settings('{"data-root":"/srv"}', nothing, { ESTIVA_ROOT: '' }), { ...nothing, root: '/srv' });
});

for (const { json, values, message } of [
  { json: '{"data-root":"/srv"}', values: { ...nothing, root: '/other' }, message: '"data-root" is also given as --root' },
  { json: '{"registry-mirrors":[]}', values: { ...nothing, 'registry-mirror': ['https://m'] }, message: '"registry-mirrors" is also given as --registry-mirror' },
  { json: '{"data_root":"/srv"}', message: '"data_root" is no setting of the daemon' },
  { json: '{"live-restore":true}', message: '"live-restore" is not supported: containers always go on without the daemon' },
  { json: '{"debug":"yes"}', message: 'debug: expected true or false' },
  { json: '{"registry-mirrors":"https://m"}', message: 'registry-mirrors: expected a list' },
  { json: '{"hosts":["unix:///a","unix:///b"]}', message: 'hosts: one socket at most' },
  { json: '{"image-budget":"much"}', message: 'image-budget: expected a size such as "20GB", not "much"' },
  { json: '{"runtimes":{"x":{"path":"/x","runtimeArgs":["-v"]}}}', message: 'runtimes.x.runtimeArgs: arguments are not supported' },
  { json: '[]', message: 'expected an object' },
  { json: '{', message: 'invalid JSON' },
]) {
  test(`refused: ${json}`, () => {
    assert.throws(() => settings(json, values ?? nothing), (error: Error) => error.message.startsWith(`Cannot use the daemon's settings in ${join(dir, 'daemon.json')}: `) && error.message.includes(message));
  });
}

test('a file that was named must be there', () => {
  assert.throws(() => withDaemonFile(nothing, { path: join(dir, 'none.json'), environment: {} }), /there is no such file/);
});
