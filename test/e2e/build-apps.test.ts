// Applications as people write them, each with its packages installed by apt-get in a RUN, from a repository that a container serves: nginx and C built by
// Docker's own client, Node.js by dockerode, Python by docker-py. The images are run, so that what was built is what works; dockerd's classic builder builds the same.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { debianForBuilds } from '../fixtures/debian.ts';
import { command } from './command.ts';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { hostDirectory } from './host-directory.ts';
import { skipNetworks } from './network.ts';

const engine = await openEngine();
const debian = await debianForBuilds();
const skip = skipNetworks || (debian === undefined ? 'needs mmdebstrap' : false);
const [base, mirror] = [engine.unique('base'), engine.unique('mirror')];
const images: string[] = [base];
const containers: string[] = [mirror];
const contexts = mkdtempSync(join(tmpdir(), 'estiva-apps-'));
const repository = hostDirectory(engine, 'packages');
const buildArgs = { BASE: base, MIRROR: 'http://127.0.0.1:80/' };
after(async () => {
  await engine.docker(['rm', '-fv', ...containers], { timeoutMs: 60_000 });
  await engine.docker(['rmi', '-f', ...images], { timeoutMs: 120_000 });
  rmSync(contexts, { recursive: true });
  repository[Symbol.dispose]();
});

/** Its files, and the name of the image to be. */
function app(name: string): { readonly context: string; readonly tag: string } {
  const [context, tag] = [join(contexts, name), engine.unique(name)];
  cpSync(join(import.meta.dirname, '../fixtures/apps', name), context, { recursive: true });
  images.push(tag);
  return { context, tag };
}

async function build(name: string): Promise<{ readonly tag: string; readonly output: string }> {
  const { context, tag } = app(name);
  const flags = Object.entries(buildArgs).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
  const output = succeeded(await engine.docker(['build', '-t', tag, '--network', `container:${mirror}`, ...flags, context], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, DOCKER_BUILDKIT: '0' }, timeoutMs: 300_000 }));
  return { tag, output };
}

async function run(tag: string, flags: readonly string[], ...program: readonly string[]): Promise<string> {
  const name = engine.unique('app');
  containers.push(name);
  succeeded(await engine.docker(['run', '-d', '--name', name, ...flags, tag, ...program]));
  return name;
}

/** What it answers, without the head. */
async function ask(container: string, port: number, request: string): Promise<string> {
  const { stdout } = await engine.docker(['run', '--rm', '--network', `container:${container}`, busybox, 'sh', '-c', `printf '${request}' | timeout 5 nc 127.0.0.1 ${port}`]);
  return stdout.split('\r\n\r\n').at(1) ?? '';
}

const get = (path: string): string => String.raw`GET ${path} HTTP/1.0\r\n\r\n`;

async function inspect(tag: string): Promise<Readonly<Record<string, unknown>>> {
  return (JSON.parse(succeeded(await engine.docker(['image', 'inspect', '-f', '{{json .Config}}', tag]))) as Readonly<Record<string, unknown>>);
}

test('a Debian with apt, and a repository of packages', { skip }, async () => {
  succeeded(await engine.docker(['import', '-c', 'CMD ["bash"]', join(debian!, 'system.tar'), base], { timeoutMs: 120_000 }));
  cpSync(join(debian!, 'packages'), repository.here('packages'), { recursive: true });
  succeeded(await engine.docker(['run', '-d', '--name', mirror, '-v', `${repository.there('packages')}:/packages:ro`, busybox, 'httpd', '-f', '-p', '80', '-h', '/packages']));
  await until('the repository is there', async () => (await ask(mirror, 80, get('/Packages'))).includes('Package: nginx-light'));
});

test('nginx: packages, a configuration, pages with an owner; the built image serves them', { skip }, async () => {
  const { tag } = await build('site');
  const site = await run(tag, []);
  await until('nginx answers', async () => await ask(site, 8080, get('/')) === '<h1>A site of two pages</h1>\n');
  assert.equal(await ask(site, 8080, get('/other.html')), '<p>The other page</p>\n');
  assert.equal(succeeded(await engine.docker(['exec', site, 'sh', '-c', 'stat -c %U:%G /var/www/html/other.html; ls /draft.txt /var/www/html/draft.txt 2>/dev/null; dpkg -s nginx-light | grep ^Status'])), 'www-data:www-data\nStatus: install ok installed\n');
  assert.match(succeeded(await engine.docker(['logs', site])), /"GET \/other.html HTTP\/1.0" 200/);
  succeeded(await engine.docker(['stop', '-t', '10', site]));
  assert.equal(succeeded(await engine.docker(['inspect', '-f', '{{.State.ExitCode}}', site])), '0\n', 'it ended by its own stop signal');
  const again = await build('site');
  assert.deepEqual([again.output.match(/Using cache/g)?.length, succeeded(await engine.docker(['image', 'inspect', '-f', '{{.Id}}', again.tag]))], [7, succeeded(await engine.docker(['image', 'inspect', '-f', '{{.Id}}', tag]))]);
});

test('C: compiled in one stage, alone in another', { skip }, async () => {
  const { tag } = await build('primes');
  assert.equal(succeeded(await engine.run(['--rm', tag])), '2 3 5 7 11 13 17 19 23 29\n');
  assert.equal(succeeded(await engine.run(['--rm', tag, '3'])), '2 3 5\n');
  const { Entrypoint, Cmd } = await inspect(tag);
  assert.deepEqual([Entrypoint, Cmd, succeeded(await engine.docker(['history', '-q', tag])).trim().split('\n').length], [['/primes'], ['10'], 3]);
  assert.ok(Number(succeeded(await engine.docker(['image', 'inspect', '-f', '{{.Size}}', tag]))) < 2e6, 'nothing of the compiler');
});

test('Node.js, built by dockerode: tested in a stage on the way', { skip }, async () => {
  interface Dockerode {
    readonly modem: { followProgress(stream: Readable, done: (error: Error | null, messages: { stream?: string; error?: string; aux?: { ID: string } }[]) => void): void };
    buildImage(context: { context: string; src: string[] }, options: object): Promise<Readable>;
  }
  const docker = new (createRequire(import.meta.url)('dockerode') as new (options: { socketPath: string }) => Dockerode)({ socketPath: engine.socketPath });
  const { context, tag } = app('clock');
  const stream = await docker.buildImage({ context, src: ['Dockerfile', 'package.json', 'server.js', 'clock.test.js', 'lib'] }, { t: tag, buildargs: buildArgs, networkmode: `container:${mirror}` });
  const messages = await new Promise<{ stream?: string; error?: string; aux?: { ID: string } }[]>((resolve, reject) => docker.modem.followProgress(stream, (error, all) => { if (error === null) resolve(all); else reject(error); }));
  assert.equal(messages.findLast(({ aux }) => aux !== undefined)?.aux?.ID, succeeded(await engine.docker(['image', 'inspect', '-f', '{{.Id}}', tag])).trim());
  assert.match(messages.map((message) => message.stream ?? '').join(''), /Step 1\/\d+ : ARG BASE[^]*Successfully tagged/);
  const clock = await run(tag, []);
  await until('it listens', async () => succeeded(await engine.docker(['logs', clock])) === 'listening\n');
  assert.equal(await ask(clock, 3000, get('/1767281400000')), 'half past three\n');
  assert.match(succeeded(await engine.docker(['exec', clock, 'cat', '/app/test-result'])), /# pass 1\n# fail 0\n/);
  const { Labels, User, Env } = await inspect(tag);
  assert.deepEqual([Labels, User, (Env as string[]).filter((entry) => !entry.startsWith('PATH='))], [{ 'org.opencontainers.image.title': 'clock', 'org.opencontainers.image.description': 'Says the time, in words' }, '1000:1000', ['NODE_ENV=production']]);
});

test('Python, built by docker-py: a user, a volume, a health check', { skip: skip || ((await command('python3', ['-c', 'import docker'])).code !== 0 && 'needs python3-docker') }, async () => {
  const { context, tag } = app('notes');
  const script = `
import docker, json, sys
client = docker.DockerClient(base_url='unix://${engine.socketPath}', timeout=300)
image, log = client.images.build(path='${context}', tag='${tag}', network_mode='container:${mirror}', buildargs=json.loads('${JSON.stringify(buildArgs)}'), rm=True)
print(image.id, any('Successfully built' in line.get('stream', '') for line in log))
`;
  assert.equal(succeeded(await command('python3', ['-c', script], { timeoutMs: 300_000 })), `${succeeded(await engine.docker(['image', 'inspect', '-f', '{{.Id}}', tag])).trim()} True\n`);
  const notes = await run(tag, []);
  await until('it is healthy', async () => succeeded(await engine.docker(['inspect', '-f', '{{.State.Health.Status}}', notes])) === 'healthy\n', 30_000);
  for (const text of ['milk', 'bread']) assert.equal(await ask(notes, 8000, String.raw`POST / HTTP/1.0\r\nContent-Length: ${text.length}\r\n\r\n${text}`), text);
  const next = await run(tag, ['--volumes-from', notes], '--port', '8001');
  succeeded(await engine.docker(['rm', '-f', notes]));
  await until('another container has the notes', async () => await ask(next, 8001, get('/')) === 'milk\nbread');
  assert.equal(succeeded(await engine.docker(['exec', next, 'stat', '-c', '%U %a', '/var/lib/notes', '/srv/notes/notes.py'])), 'notes 755\nroot 644\n');
});
