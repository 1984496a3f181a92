// Images and volumes that aim at the host: their links, and links that change while a container starts. Whatever comes of it, the host stays as it was.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { busybox, openEngine, succeeded } from './engine.ts';
import { hostDirectory } from './host-directory.ts';

const engine = await openEngine();
const host = hostDirectory(engine, 'hostile');
after(() => host[Symbol.dispose]());
const ok = async (...args: string[]): Promise<string> => succeeded(await engine.docker(args));
/** How often what can be swapped is swapped under a start. */
const swaps = Number(process.env.ESTIVA_E2E_SWAPS ?? 15);

mkdirSync(host.here('canary'));
writeFileSync(host.here('canary/secret'), 'secret');
mkdirSync(host.here('src'));
writeFileSync(host.here('src/file'), 'given');
const canary = host.there('canary');

/** An image of busybox in which `links` lead where they say. */
async function imageWith(name: string, links: Readonly<Record<string, string>>): Promise<string> {
  const root = host.here(name);
  for (const dir of ['bin', 'etc']) mkdirSync(`${root}/${dir}`, { recursive: true });
  spawnSync('cp', ['/bin/busybox', `${root}/bin/busybox`]);
  for (const applet of ['sh', 'ls', 'cat', 'true', 'touch']) symlinkSync('busybox', `${root}/bin/${applet}`);
  for (const [link, target] of Object.entries(links)) symlinkSync(target, `${root}/${link}`);
  const tag = `${engine.unique(name)}:1`;
  const tar = spawnSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 << 20 }).stdout;
  succeeded(await engine.docker(['import', '-', tag], { input: tar }));
  return tag;
}

const untouched = (): void => assert.deepEqual(readdirSync(host.here('canary')), ['secret']);

test('a volume on a link of the image to the host takes nothing from there, and puts nothing there', async () => {
  const image = await imageWith('links', { data: canary, up: `../../../../../../..${canary}`, rel: `..${canary}`, self: '/proc/self/root', init: '/proc/1/root' });
  const volume = engine.unique('lured');
  try {
    for (const place of ['/data', '/up', '/rel', '/data/below']) {
      // Inside, the link leads to a place that the image does not have: mounted there, or refused.
      const outcome = await engine.run(['--rm', '-v', `${volume}:${place}`, image, 'sh', '-c', `ls ${place}; touch ${place}/mine`]);
      assert.doesNotMatch(outcome.stdout, /secret/);
      untouched();
    }
    for (const place of ['/self/etc', '/init/etc', '/self']) {
      const outcome = await engine.run(['--rm', '-v', `${volume}:${place}`, '-v', `${host.there('src')}:/self${canary}`, image, 'ls', '/']);
      assert.doesNotMatch(outcome.stdout, /secret/);
      untouched();
    }
  } finally {
    await ok('volume', 'rm', '-f', volume);
    await ok('rmi', image);
  }
});

test('a bind and a tmpfs on a link of the image stay within the container', async () => {
  const image = await imageWith('bindlinks', { data: canary, etc2: '/etc' });
  try {
    for (const flags of [['-v', `${host.there('src')}:/data/deep/er`], ['--tmpfs', '/data'], ['--mount', 'type=tmpfs,dst=/data/t'], ['-v', `${host.there('src')}/file:/data/f`]]) {
      await engine.run(['--rm', ...flags, image, 'true']);
      untouched();
    }
    assert.equal(succeeded(await engine.run(['--rm', '-v', `${host.there('src')}:/etc2/x`, image, 'cat', '/etc/x/file'])), 'given');
  } finally {
    await ok('rmi', image);
  }
});

test('a subpath that is swapped for a link while containers start leads nowhere else than into its volume', async () => {
  const volume = engine.unique('swapped');
  const swapper = await engine.start(['-v', `${volume}:/v`, busybox, 'sh', '-c', `mkdir /v/real; echo inside > /v/real/f; while :; do rm -rf /v/d; ln -s ${canary} /v/d; rm /v/d; ln -s / /v/d; rm /v/d; cp -r /v/real /v/d; done`]);
  try {
    for (let i = 0; i < swaps; i++) {
      const outcome = await engine.run(['--rm', '--mount', `type=volume,src=${volume},dst=/data,volume-subpath=d`, busybox, 'ls', '/data']);
      if (outcome.code === 0) assert.match(outcome.stdout, /^(f\n)?$/);
      else assert.match(outcome.stderr, /escapes the base directory|cannot access path|no such file|not a directory/);
    }
    untouched();
  } finally {
    await ok('rm', '-f', swapper);
    await ok('volume', 'rm', volume);
  }
});

test('a mount below a place that is swapped for a link, and a copy into one, stay within', async () => {
  const volume = engine.unique('nested');
  const mark = `estiva-${process.pid}`;
  const swapper = await engine.start(['-v', `${volume}:/v`, busybox, 'sh', '-c', `while :; do rm -rf /v/d; ln -s ${canary} /v/d; rm /v/d; ln -s /proc/self/root /v/d; rm /v/d; mkdir /v/d; done`]);
  try {
    for (let i = 0; i < swaps; i++) {
      await engine.run(['--rm', '-v', `${volume}:/v`, '-v', `${host.there('src')}:/v/d/${mark}`, busybox, 'ls', '/v/d']);
      await engine.docker(['cp', host.here('src/file'), `${swapper}:/v/d/secret`]);
      untouched();
    }
    assert.ok(!existsSync(`/${mark}`) && !existsSync(host.here(`canary/${mark}`)));
    assert.equal(spawnSync('cat', [host.here('canary/secret')], { encoding: 'utf8' }).stdout, 'secret');
  } finally {
    await ok('rm', '-f', swapper);
    await ok('volume', 'rm', volume);
  }
});
