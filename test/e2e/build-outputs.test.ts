// What becomes of a build besides an image: directories, tars, archives, a push. By `estiva build`; against a dockerd it is docker-buildx, where it has the output.
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { hasDockerRegistry, openDockerRegistry } from '../fixtures/docker-registry.ts';
import { openBuilding } from './building.ts';
import { command, type Outcome } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());
// Before the engine, which is looked at for what it leaves while the registry still runs.
const registry = hasDockerRegistry ? opened.use(await openDockerRegistry()) : undefined;
const engine = await openEngine();
const { dir, contextOf } = openBuilding(engine);
const buildx = '/var/tmp/peer-dockerd/clients/usr/libexec/docker/cli-plugins/docker-buildx';
const skip = !engine.ours && !existsSync(buildx) && 'There is no docker-buildx here';
const ofOurs = { skip: !engine.ours && 'buildx with its driver "docker" has no such output' };

function estiva(...args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: engine.dockerHost };
  return engine.ours ? command(resolve(import.meta.dirname, '../../bin/estiva'), args, { env }) : command(buildx, args, { env });
}

const context = contextOf({ a: 'one', Dockerfile: `FROM ${busybox} AS made\nRUN mkdir -p /out/d && echo two > /out/d/f && chmod 750 /out/d && ln -s /etc/passwd /out/l && chown 5:6 /out/d/f\nFROM scratch\nCOPY --from=made /out /\nCOPY --chmod=711 a /x\n` });

test('-o DIR writes the files there, over what is there, through no link, and they belong to who runs it', { skip }, async () => {
  const [dest, elsewhere] = [join(dir, 'dest'), join(dir, 'elsewhere')];
  succeeded(await estiva('build', '-o', dest, context));
  assert.deepEqual(readdirSync(dest).sort(), ['d', 'l', 'x']);
  assert.equal(readFileSync(join(dest, 'd/f'), 'utf8'), 'two\n');
  assert.equal(readlinkSync(join(dest, 'l')), '/etc/passwd');
  assert.deepEqual([lstatSync(join(dest, 'd')).mode & 0o7777, lstatSync(join(dest, 'x')).mode & 0o7777, lstatSync(join(dest, 'd/f')).uid], [0o750, 0o711, process.getuid!()]);
  if (!engine.ours) return;
  // A link that lies in the way of a directory is said, not followed; in the way of a file it is replaced.
  mkdirSync(elsewhere);
  rmSync(join(dest, 'd'), { recursive: true });
  symlinkSync(elsewhere, join(dest, 'd'));
  rmSync(join(dest, 'x'));
  symlinkSync(join(elsewhere, 'x'), join(dest, 'x'));
  assert.match((await estiva('build', '--output', `type=local,dest=${dest}`, context)).stderr, /cannot overwrite non-directory/);
  rmSync(join(dest, 'd'));
  succeeded(await estiva('build', '--output', `type=local,dest=${dest}`, context));
  assert.deepEqual(readdirSync(elsewhere), []);
  assert.equal(readFileSync(join(dest, 'x'), 'utf8'), 'one');
});

test('type=tar has the same with its owners; "-" is stdout, and what is said of the build goes to stderr', { skip }, async () => {
  const file = join(dir, 'out.tar');
  succeeded(await estiva('build', '-o', `type=tar,dest=${file}`, context));
  const listed = succeeded(await command('tar', ['-tvf', file]));
  assert.match(listed, /-rw-r--r-- 5\/6 .* d\/f\n/);
  assert.match(listed, /-rwx--x--x 0\/0 .* x\n/);
  const piped = await command('sh', ['-c', `"$0" "$@" | tar -xOf - x`, engine.ours ? resolve(import.meta.dirname, '../../bin/estiva') : buildx, 'build', '-o', '-', context], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: engine.dockerHost } });
  assert.equal(succeeded(piped), 'one');
});

test('type=oci is the same archive every time with SOURCE_DATE_EPOCH; type=docker can be loaded; neither leaves an image', ofOurs, async () => {
  const tag = engine.unique('archived');
  const [one, two, docker] = ['one.tar', 'two.tar', 'docker.tar'].map((name) => join(dir, name)) as [string, string, string];
  const build = (...args: readonly string[]): Promise<Outcome> => estiva('build', '-t', tag, '--build-arg', 'SOURCE_DATE_EPOCH=1700000000', ...args, context);
  succeeded(await build('--annotation', 'org.example.a=b', '-o', `type=oci,dest=${one}`, '--metadata-file', join(dir, 'm.json'), '--iidfile', join(dir, 'id')));
  succeeded(await build('--annotation', 'org.example.a=b', '-o', `type=oci,dest=${two}`, '--no-cache'));
  assert.ok(readFileSync(one).equals(readFileSync(two)));
  const metadata = JSON.parse(readFileSync(join(dir, 'm.json'), 'utf8')) as Record<string, string>;
  const read = (name: string): Promise<Outcome> => command('tar', ['-xOf', one, name]);
  const { manifests: [{ digest }] } = JSON.parse(succeeded(await read('index.json'))) as { manifests: [{ digest: string }] };
  const manifest = JSON.parse(succeeded(await read(`blobs/sha256/${digest.slice(7)}`))) as { config: { digest: string }; annotations: object };
  assert.deepEqual(metadata, { 'containerimage.config.digest': manifest.config.digest, 'containerimage.digest': digest, 'image.name': `docker.io/library/${tag}:latest` });
  assert.equal(readFileSync(join(dir, 'id'), 'utf8'), manifest.config.digest);
  assert.deepEqual(manifest.annotations, { 'org.example.a': 'b' });
  assert.notEqual((await engine.docker(['image', 'inspect', tag])).code, 0);
  succeeded(await build('-o', `type=docker,dest=${docker}`));
  assert.equal(succeeded(await engine.docker(['load', '-i', docker])), `Loaded image: ${tag}:latest\n`);
  succeeded(await engine.docker(['rmi', tag]));
  assert.match(succeeded(await engine.docker(['load', '-i', one])), new RegExp(`Loaded image: ${tag}:latest`));
  succeeded(await engine.docker(['rmi', tag]));
});

test('--push sends the image to its registry, and the metadata have the digest there', { skip: !engine.ours ? 'ours alone' : registry === undefined && 'docker-registry is missing' }, async () => {
  const tag = `${registry!.host}/built/app:1`;
  const file = join(dir, 'pushed.json');
  succeeded(await estiva('build', '--push', '-t', tag, '--metadata-file', file, context));
  const digest = (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)['containerimage.digest'];
  assert.equal((await fetch(`http://${registry!.host}/v2/built/app/manifests/1`, { method: 'HEAD', headers: { Accept: 'application/vnd.oci.image.manifest.v1+json' } })).headers.get('docker-content-digest'), digest);
  succeeded(await engine.docker(['rmi', tag]));
});

test('outputs that cannot be are refused by name, and a build that fails writes nothing', ofOurs, async () => {
  const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['-o', 'type=local'], /dest is required for local output/], [['-o', 'type=oci,dest=x,compression=zstd'], /type=oci with compression=zstd is not supported/], [['-o', 'type=image,dest=x'], /an output of type=image has no dest/],
    [['-o', 'type=registry,name=x'], /use type=image,name=NAME,push=true/i], [['-o', 'type=nope'], /unknown type "nope"/], [['--push'], /an image without a name cannot be pushed/], [['--push', '-o', 'x'], /a build has one output/],
    [['--annotation', 'a=b', '-t', 'x'], /--annotation needs an output that can carry it/], [['-o', 'type=tar,dest=x,what=y'], /type=tar with what is not supported/], [['--annotation', 'index:a=b', '-o', 'type=oci,dest=x'], /an annotation of "index" is not supported/],
  ];
  for (const [args, message] of wrong) {
    const outcome = await estiva('build', ...args, context);
    assert.match(outcome.stderr, message, args.join(' '));
    assert.notEqual(outcome.code, 0, args.join(' '));
  }
  const [tar, local] = [join(dir, 'never.tar'), join(dir, 'never')];
  const failing = contextOf({ Dockerfile: `FROM ${busybox}\nRUN exit 7\n` });
  assert.equal((await estiva('build', '-o', `type=tar,dest=${tar}`, failing)).code, 7);
  assert.equal((await estiva('build', '-o', local, failing)).code, 7);
  assert.ok(!existsSync(tar) && !existsSync(local));
});

test('--squash makes one layer of what the build made: removed files are gone, those of the base are hidden, history says what was merged', ofOurs, async () => {
  const tag = engine.unique('squashed');
  const squashed = contextOf({ a: 'one', Dockerfile: `FROM ${busybox}\nRUN echo large > /big && mkdir -p /d/e && echo f > /d/e/f && chown 5:6 /d/e\nRUN rm /big && rm /bin/vi && echo g > /d/g && ln -s /d/g /l\nCOPY a /d/a\nENV X=1\n` });
  const outcome = await estiva('build', '--squash', '-t', tag, squashed);
  succeeded(outcome);
  const say = async (script: string): Promise<string> => succeeded(await engine.run(['--rm', tag, 'sh', '-c', script]));
  assert.equal(await say('cat /d/e/f /d/g /l /d/a; stat -c " %u:%g" /d/e; ls /big /bin/vi 2>&1 | wc -l; echo $X'), 'f\ng\ng\none 5:6\n2\n1\n');
  const layers = async (image: string): Promise<number> => (JSON.parse(succeeded(await engine.docker(['image', 'inspect', '--format', '{{json .RootFS.Layers}}', image]))) as string[]).length;
  assert.equal(await layers(tag), await layers(busybox) + 1);
  const history = succeeded(await engine.docker(['history', '--no-trunc', '--format', '{{.Size}}|{{.Comment}}', tag])).split('\n');
  assert.match(history[0]!, /^\d+B\|merge sha256:[0-9a-f]{64} to sha256:[0-9a-f]{64}$/);
  assert.ok(history.slice(1, 5).every((line) => line.startsWith('0B|')));
  succeeded(await engine.docker(['rmi', tag]));
});
