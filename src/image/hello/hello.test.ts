import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../base/index.ts';
import { hostArchitecture } from '../../kernel/index.ts';
import { readTar } from '../../spec/tar/index.ts';
import { helloConfig, helloExecutable, helloLayer } from './index.ts';

const qemu = '/usr/bin/qemu-aarch64-static';

function hello(architecture: 'x64' | 'arm64'): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'estiva-hello-'));
  try {
    const file = join(folder, 'hello');
    writeFileSync(file, helloExecutable(architecture), { mode: 0o755 });
    const isNative = architecture === hostArchitecture();
    return spawnSync(isNative ? file : qemu, isNative ? [] : [file], { encoding: 'utf8', timeout: 10_000 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The facts by name: `  user id         0`. */
function facts(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^ {2}(\w[\w ]*?) {2,}(.*)$/gm)].map(([, name, value]) => [name!, value!]));
}

for (const architecture of ['x64', 'arm64'] as const) {
  const canRun = architecture === hostArchitecture() || (architecture === 'arm64' && existsSync(qemu));
  const skip = canRun ? false : `No way to run ${architecture} programs here (Debian: qemu-user-static)`;

  test(`helloExecutable() says hello and what it sees on ${architecture}`, { skip }, () => {
    const { stdout, stderr, status } = hello(architecture);
    assert.equal(status, 0);
    assert.equal(stderr, '');
    assert.match(stdout, /^\nHello from Estiva!\n\n/);
    assert.ok(stdout.split('\n').every((line) => line.length <= 100), 'lines fit a terminal');
    const seen = facts(stdout);
    assert.deepEqual([...seen.keys()], ['host name', 'kernel', 'process id', 'user id', 'capabilities', 'new privileges', 'seccomp', 'cgroup', 'namespaces']);
    assert.equal(seen.get('host name'), hostname());
    assert.equal(seen.get('kernel'), release());
    assert.match(seen.get('process id')!, /^\d+$/);
    assert.equal(seen.get('user id'), String(process.getuid!()));
    assert.match(seen.get('capabilities')!, /^[0-9a-f]{16}$/);
    assert.ok(stdout.includes(`  ${readlinkSync('/proc/self/ns/uts')}\n`));
  });
}

test('helloLayer() is a tar of one executable file', async () => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield helloLayer('arm64');
  }
  const members: string[] = [];
  for await (const { type, path, mode, uid, gid, data } of readTar(bytes())) {
    const content: Buffer[] = [];
    for await (const piece of data()) content.push(piece);
    members.push(`${type} ${path} ${mode.toString(8)} ${uid}:${gid}`);
    assert.deepEqual(Buffer.concat(content), helloExecutable('arm64'));
  }
  assert.deepEqual(members, ['file hello 755 0:0']);
});

test('helloLayer() and helloConfig() are the same every time', () => {
  assert.equal(digestOf(helloLayer('x64')), digestOf(helloLayer('x64')));
  assert.deepEqual(helloConfig('x64'), helloConfig('x64', digestOf(helloLayer('x64'))));
});
