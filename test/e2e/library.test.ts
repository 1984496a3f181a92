// What a program gets that installs Estiva: the packed package in a project of its own, checked by TypeScript and run. The examples are the
// tests. `estiva/client` is proved by the original: its example runs against whatever engine is under test.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { busyboxArchive } from '../fixtures/busybox.ts';
import { processesOf } from './census.ts';
import { command, type Outcome } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const repository = resolve(import.meta.dirname, '../..');
const dir = mkdtempSync(join(tmpdir(), 'estiva-library-'));
const project = join(dir, 'project');
const root = join(dir, 'root');
const archive = await busyboxArchive();

before(async () => {
  const tarball = await pack();
  const installed = join(project, 'node_modules/estiva');
  mkdirSync(installed, { recursive: true });
  succeeded(await command('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]));
  // npm would bring these from the registry: the package's own dependency, and Node's types.
  for (const name of ['pino', '@types', 'undici-types']) symlinkSync(join(repository, 'node_modules', name), join(project, 'node_modules', name));
  cpSync(join(installed, 'examples'), project, { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
});
after(() => rmSync(dir, { recursive: true, force: true }));

/** From a copy: the build must not touch the bundle that the daemon under test runs from. */
async function pack(): Promise<string> {
  const copy = join(dir, 'copy');
  for (const name of ['package.json', 'bin', 'scripts', 'src', 'examples', 'docs', 'tsconfig.json', 'tsconfig.types.json', 'README.md', 'LICENSE']) cpSync(join(repository, name), join(copy, name), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
  succeeded(await command(process.execPath, ['scripts/build.ts', '--release'], { cwd: copy, timeoutMs: 60_000, env: withOwnTools() }));
  const [tarball = ''] = succeeded(await command('npm', ['pack', '--silent'], { cwd: copy, timeoutMs: 60_000, env: withOwnTools() })).trim().split('\n').slice(-1);
  return join(copy, tarball);
}

function withOwnTools(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${repository}/node_modules/.bin:${process.env['PATH'] ?? ''}`, npm_config_cache: join(dir, 'npm-cache') };
}

function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return command(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { cwd: project, timeoutMs: 60_000, env: { ...process.env, ...env } });
}

function program(text: string): Promise<Outcome> {
  writeFileSync(join(project, 'program.ts'), `import { createReadStream } from 'node:fs';\nimport { openEngine } from 'estiva';\nawait using engine = await openEngine({ root: ${JSON.stringify(root)} });\n`
    + `const [image = ''] = await engine.load(createReadStream(${JSON.stringify(archive)}));\n${text}`);
  return node(['program.ts']);
}

const ours = { skip: !engine.ours && 'the library is Estiva\'s alone' };

test('a TypeScript project gets the types of the library and of the client', async () => {
  writeFileSync(join(project, 'typed.ts'), `import { openEngine, type Container } from 'estiva';
import { connect, listContainers } from 'estiva/client';
export async function use(): Promise<number> {
  await using engine = await openEngine({ root: '/x' });
  const box: Container = await engine.create({ image: 'busybox', command: ['true'], network: 'none' });
  // @ts-expect-error: a number
  const wrong: string = await box.wait();
  using docker = connect({ host: 'unix:///x' });
  return (await listContainers(docker, { all: true })).length + wrong.length;
}
`);
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { target: 'esnext', module: 'nodenext', strict: true, noEmit: true, lib: ['esnext'], types: ['node'] }, include: ['*.ts'] }));
  const { stdout, code } = await command('tsc', ['-p', project], { env: withOwnTools(), timeoutMs: 60_000 });
  assert.deepEqual([code, stdout], [0, '']);
});

test('examples/run.ts: a program\'s output and exit code', ours, async () => {
  assert.equal(succeeded(await node(['run.ts', archive, root])), '{ exitCode: 3, stdout: \'hello, reader\\n\', stderr: \'to stderr\\n\' }\n');
});

test('examples/long-life.ts: a container whose log is followed, with a second program in it', ours, async () => {
  assert.equal(succeeded(await node(['long-life.ts', archive, root])), 'from outside to inside and back\nstdout: tick 1\nstdout: tick 2\nstdout: tick 3\nexit code 137\n');
  assert.deepEqual(readdirSync(join(root, 'containers')), []);
  assert.deepEqual(processesOf(root), [], 'the engine left a process behind');
});

test('examples/files.ts: files into a container, and out again', ours, async () => {
  assert.match(succeeded(await node(['files.ts', archive, root])), /^Ada\nGrace\n\na tar of \d{4} bytes\n$/);
});

test('examples/build.ts: an image from a directory', ours, async () => {
  const said = succeeded(await node(['build.ts', archive, root]));
  assert.match(said, /^1\/5 FROM .*\n2\/5 ARG NAME\n3\/5 COPY greeting \/\n4\/5 RUN .*\n5\/5 CMD .*\nhello, builder\n$/);
});

test('build() throws with the lines of the step, and ends with its signal', ours, async () => {
  const said = succeeded(await program(`import { mkdtempSync, writeFileSync } from 'node:fs'; import { join } from 'node:path';
const why = (error: unknown) => console.log(error instanceof Error && 'lines' in error ? [error.name, JSON.stringify(error.lines), error.message] : error instanceof Error ? error.message : error);
const files = (text: string) => { const dir = mkdtempSync(${JSON.stringify(join(dir, 'context-'))}); writeFileSync(join(dir, 'Dockerfile'), text); return dir; };
await engine.build({ context: files(\`FROM \${image}\nRUN exit 4\n\`) }).catch(why);
await engine.build({ context: files(\`FROM \${image}\nRUN sleep 60\n\`), signal: AbortSignal.timeout(1000) }).catch(why);
await engine.build({ context: '/nowhere' }).catch(why);
`));
  assert.match(said, /\[\{"start":2,"end":2\}\][^]*exit 4.*code: 4[^]*timeout[^]*Cannot build "\/nowhere"/);
});

test('copyIn() and readFile() refuse what cannot be, in one sentence; a tar and a link work', ours, async () => {
  const said = succeeded(await program(`const why = (error: unknown) => console.log(error instanceof Error && 'kind' in error ? error.kind : error, error instanceof Error ? error.message.slice(0, 40) : '');
await using box = await engine.create({ image, command: ['true'] });
await box.copyIn('/tmp', { '../out': 'x' }).catch(why);
await box.copyIn('/nope', { file: 'x' }).catch(why);
await box.readFile('/etc').catch(why);
await box.copyIn('/tmp', { file: 'four' });
await box.readFile('/tmp/file', { bytesMax: 3 }).catch(why);
await box.copyIn('/', box.copyOut('/tmp'));
console.log((await box.readFile('/tmp/file')).toString());
`));
  assert.match(said, /^invalid Cannot unpack "..\/out": the path .*\nnot_found Could not find the file \/nope .*\ninvalid Cannot read "\/etc": it is no file.*\ntoo_large Cannot read "\/tmp\/file": it has 4.*\nfour\n$/);
});

test('volumes and mounts of a container are those of -v and --mount', ours, async () => {
  const said = succeeded(await program(`await engine.run(image, ['sh', '-c', 'echo kept > /v/f'], { volumes: ['lib-volume:/v'] });
const { stdout } = await engine.run(image, ['sh', '-c', 'cat /v/f; touch /m/x 2>/dev/null || echo locked'], { volumes: ['lib-volume:/v:ro'], mounts: [{ Type: 'bind', Source: '/etc', Target: '/m', ReadOnly: true }] });
console.log(stdout.toString());
`));
  assert.equal(said, 'kept\nlocked\n\n');
});

test('examples/client.ts: create, start, follow, remove over the API', async () => {
  const said = succeeded(await node(['client.ts', busybox], { DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: '' }));
  assert.match(said, /^version 1\.\d+ of the API\nexit code 0\n$/);
});

test('openEngine() refuses a root that another engine has, and pull says what is wrong', ours, async () => {
  const said = succeeded(await program(`const said = (error: unknown) => console.log(error instanceof Error ? error.message : error);
await openEngine({ root: ${JSON.stringify(root)} }).catch(said);
await engine.pull('127.0.0.1:1/alpine').catch(said);
`));
  assert.match(said, /^Another Estiva daemon already uses ".*" \(pid \d+\)\n.*127\.0\.0\.1:1.*\n$/);
});

test('run() ends with its signal, with too much output, and with a program that is not there', ours, async () => {
  const said = succeeded(await program(`const kind = (error: unknown) => console.log(error instanceof Error && 'kind' in error ? error.kind : error instanceof Error ? error.name : error);
await engine.run(image, ['sleep', '60'], { signal: AbortSignal.timeout(200) }).catch(kind);
await engine.run(image, ['yes'], { outputBytesMax: 1000 }).catch(kind);
await engine.run(image, ['/no/such/program']).catch(kind);
await engine.run(image, ['true'], { docker: { HostConfig: { Memory: 'much' } } }).catch(kind);
console.log(engine.containers().length);
`));
  assert.equal(said, 'TimeoutError\ntoo_large\ninvalid\ninvalid\n0\n');
});

test('exec() gives output, takes input, and ends with its signal', ours, async () => {
  const said = succeeded(await program(`await using box = await engine.create({ image, command: ['sleep', '60'] });
await box.start();
const { exitCode, stdout, stderr } = await box.exec(['sh', '-c', 'cat; echo $A >&2; exit 7'], { input: 'in', env: { A: 'b' } });
console.log(exitCode, stdout, stderr.trim());
await box.exec(['sleep', '60'], { signal: AbortSignal.timeout(200) }).catch((error: unknown) => console.log(error instanceof Error ? error.name : error));
console.log(box.state().status);
`));
  assert.equal(said, '7 in b\nTimeoutError\nrunning\n');
});

test('volumes in a program', ours, async () => {
  const { code, stdout, stderr } = await program(`await engine.createVolume('jobs', { labels: { a: 'b' } });
    await engine.run('${busybox}', ['sh', '-c', 'echo kept > /data/file'], { volumes: ['jobs:/data'] });
    await engine.cloneVolume('jobs', 'copy');
    const { stdout } = await engine.run('${busybox}', ['cat', '/data/file'], { volumes: ['copy:/data'] });
    await engine.removeVolume('jobs');
    console.log(JSON.stringify([stdout, engine.volumes().map(({ name }) => name).filter((name) => ['jobs', 'copy'].includes(name))]));`);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), ['kept\n', ['copy']]);
});

test('networks through the library: containers find each other by name', ours, async () => {
  const { code, stdout, stderr } = await program(`engine.createNetwork('jobs', { subnets: ['10.232.0.0/24'], internal: true });
    await using server = await engine.create({ image, command: ['httpd', '-f', '-p', '80', '-h', '/etc'], name: 'server', network: 'jobs' });
    await server.start();
    const { exitCode, stdout } = await engine.run(image, ['wget', '-qO-', 'http://server/hostname'], { network: 'jobs' });
    console.log(exitCode, stdout.toString().trim().length > 0, engine.networks().map(({ name, subnets }) => [name, subnets.length].join(':')).join());
    await server.remove({ force: true });
    engine.removeNetwork('jobs');
    console.log(engine.networks().length);`);
  assert.deepEqual([code, stdout], [0, '0 true bridge:1,host:0,jobs:1,none:0\n3\n'], stderr);
});

test('ports through the library: open from the start, more of them and fewer while it runs', ours, async () => {
  const { code, stdout, stderr } = await program(`import { connect } from 'node:net';
    const ask = (port) => new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end('GET /hostname HTTP/1.0\\r\\n\\r\\n'));
      let text = '';
      socket.on('data', (bytes) => { text += bytes; }).on('error', () => resolve('refused')).on('close', () => resolve(text.includes('200 OK') ? 'answered' : text));
    });
    await using web = await engine.create({ image, command: ['httpd', '-f', '-p', '80', '-h', '/etc'], ports: { 80: '127.0.0.1:' } });
    console.log(web.ports().length);
    await web.start();
    const [{ containerPort, protocol, hostAddress, hostPort }] = web.ports();
    for (let i = 0; i < 100 && await ask(hostPort) !== 'answered'; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    console.log(containerPort, protocol, hostAddress, hostPort > 0, await ask(hostPort));
    await web.update({ publish: { 80: hostPort + 1 }, memoryBytes: 64 << 20 });
    console.log(web.ports().length, await ask(hostPort + 1));
    await web.update({ unpublish: ['80/tcp'] });
    console.log(web.ports().length, await ask(hostPort));
    console.log(await web.update({ publish: { '80/xyz': 1 } }).catch(({ kind, message }) => [kind, message].join(': ')));`);
  assert.deepEqual([code, stdout], [0, '0\n80 tcp 127.0.0.1 true answered\n2 answered\n0 refused\ninvalid: invalid port specification: "80/xyz"\n'], stderr);
});
