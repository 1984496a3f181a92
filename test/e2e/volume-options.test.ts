// Volumes whose options name something else: mounted while somebody uses them, and not before or after.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { busybox, openEngine, succeeded } from './engine.ts';
import { hostDirectory } from './host-directory.ts';

const engine = await openEngine();
const made: string[] = [];
after(async () => {
  if (!engine.ours) for (const name of made) await engine.docker(['volume', 'rm', '-f', name]);
});

async function make(hint: string, options: Readonly<Record<string, string>>): Promise<string> {
  const name = engine.unique(hint);
  made.push(name);
  succeeded(await engine.docker(['volume', 'create', ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]), name]));
  return name;
}

/** On the host; a dockerd lives in another mount namespace. */
const isMounted = (volume: string): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(`/volumes/${volume}/_data `);

test('a tmpfs is shared by those who use it, and is gone with the last of them', async () => {
  const volume = await make('mem', { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=7,nosuid' });
  const first = await engine.start(['-v', `${volume}:/v`, busybox, 'sleep', '1000']);
  succeeded(await engine.docker(['exec', first, 'sh', '-c', 'echo hello > /v/file']));
  const shown = succeeded(await engine.run(['--rm', '-v', `${volume}:/v`, busybox, 'sh', '-c', 'cat /v/file; stat -c %u /v; grep " /v " /proc/self/mountinfo'])).trim().split('\n');
  assert.deepEqual(shown.slice(0, 2), ['hello', '7']);
  assert.match(shown[2]!, / \/v rw,nosuid,relatime .*- tmpfs tmpfs rw,size=1024k,uid=7/);
  if (engine.ours) assert.ok(isMounted(volume));
  assert.match((await engine.docker(['volume', 'rm', volume])).stderr, new RegExp(`remove ${volume}: volume is in use - \\[${first}\\]`));
  succeeded(await engine.docker(['rm', '-f', first]));
  if (engine.ours) assert.ok(!isMounted(volume));
  assert.equal(succeeded(await engine.run(['--rm', '-v', `${volume}:/v`, busybox, 'ls', '/v'])), '');
  succeeded(await engine.docker(['volume', 'rm', volume]));
});

test('a directory of the host by a name', async () => {
  using host = hostDirectory(engine, 'site');
  writeFileSync(host.here('file'), 'content');
  const volume = await make('site', { type: 'none', o: 'bind', device: host.there('.') });
  assert.equal(succeeded(await engine.run(['--rm', '-v', `${volume}:/v`, busybox, 'cat', '/v/file'])), 'content');
  const readOnly = await make('site-ro', { type: 'none', o: 'bind,ro', device: host.there('.') });
  const refused = await engine.run(['--rm', '-v', `${readOnly}:/v`, busybox, 'touch', '/v/file']);
  assert.match(refused.stderr, /Read-only file system/);
  for (const name of [volume, readOnly]) succeeded(await engine.docker(['volume', 'rm', name]));
  assert.equal(readFileSync(host.here('file'), 'utf8'), 'content', 'what is there is not the volume\'s');
});

test('an empty directory of the host gets what the image has there', async () => {
  using host = hostDirectory(engine, 'etc');
  const volume = await make('etc', { type: 'none', o: 'bind', device: host.there('.') });
  succeeded(await engine.run(['--rm', '-v', `${volume}:/bin`, busybox, 'true']));
  assert.ok(readFileSync(host.here('busybox')).length > 1000);
});

const impossible: readonly (readonly [what: string, options: Readonly<Record<string, string>>, message: RegExp])[] = [
  ['a directory that is not there', { type: 'none', o: 'bind', device: '/no/such' }, /failed to mount local volume: mount \/no\/such:.*\/_data, flags: 0x1000: no such file or directory/],
  ['a path that is relative', { type: 'none', o: 'bind', device: 'rel' }, /failed to mount local volume: mount rel:.*\/_data, flags: 0x1000: no such file or directory/],
  ['an option that the file system does not have', { type: 'tmpfs', device: 'tmpfs', o: 'foo=bar' }, /failed to mount local volume: mount tmpfs:.*\/_data, data: foo=bar: invalid argument/],
  ['a file system that the kernel does not have', { type: 'nope', device: 'x' }, /failed to mount local volume: mount x:.*\/_data: no such device/],
  ['a device that is not there', { type: 'ext4', device: '/dev/no-such' }, /failed to mount local volume: mount \/dev\/no-such:.*\/_data: no such file or directory/],
  ['a server whose name is none', { type: 'nfs', device: ':/x', o: 'addr=no-host.invalid' }, /error resolving passed in network volume address: lookup no-host\.invalid/],
];
for (const [what, options, message] of impossible) {
  test(`${what}: the container does not start, and is not there`, async () => {
    const volume = await make('wrong', options);
    const name = engine.unique('box');
    const { code, stderr } = await engine.run(['--name', name, '-v', `${volume}:/v`, busybox, 'true']);
    // The client reads 127 out of "no such file or directory".
    assert.ok(code === 125 || code === 127, String(code));
    assert.match(stderr, message);
    assert.match(stderr, new RegExp(`error while mounting volume '.*/volumes/${volume}/_data'`));
    await engine.docker(['rm', '-f', name]);
    succeeded(await engine.docker(['volume', 'rm', volume]));
  });
}

test('events of use', async () => {
  const volume = await make('told', { type: 'tmpfs', device: 'tmpfs' });
  const since = String(Date.now() / 1000);
  const box = await engine.create({ Cmd: ['true'] }, { Binds: [`${volume}:/v:ro`] });
  await engine.http('POST', `/containers/${box}/start`);
  await engine.http('POST', `/containers/${box}/wait`);
  succeeded(await engine.docker(['rm', box]));
  const lines = succeeded(await engine.docker(['events', '--since', since, '--until', String(Date.now() / 1000), '--filter', `volume=${volume}`, '--format', '{{.Action}} {{json .Actor.Attributes}}'])).trim().split('\n');
  assert.ok(lines.includes(`mount {"container":"${box}","destination":"/v","driver":"local","propagation":"","read/write":"false"}`), lines.join('\n'));
  assert.ok(lines.includes(`unmount {"container":"${box}","driver":"local"}`), lines.join('\n'));
});

test('after kill -9 of the daemon what is used stays, and what nobody uses is not mounted any more', { skip: engine.daemon === undefined && 'a dockerd is not killed' }, async () => {
  const [used, unused] = [await make('used', { type: 'tmpfs', device: 'tmpfs' }), await make('unused', { type: 'tmpfs', device: 'tmpfs' })];
  const stays = await engine.start(['-v', `${used}:/v`, busybox, 'sh', '-c', 'echo kept > /v/f; sleep 1000']);
  const ends = await engine.start(['-v', `${unused}:/v`, busybox, 'sleep', '1000']);
  const { Pid } = (await engine.inspect(ends)).State;
  await engine.daemon!.crash();
  process.kill(Pid, 'SIGKILL');
  await engine.daemon!.start();
  assert.deepEqual([isMounted(used), isMounted(unused)], [true, false]);
  assert.equal(succeeded(await engine.run(['--rm', '-v', `${used}:/v`, busybox, 'cat', '/v/f'])), 'kept\n');
  succeeded(await engine.docker(['rm', '-f', stays, ends]));
  assert.ok(!isMounted(used));
});
