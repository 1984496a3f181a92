// The command line as a whole against a small daemon of our own: exit codes, what goes to stdout and to stderr, which requests are made.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { runCli } from './main.ts';

interface Script {
  readonly createStatus?: number;
  readonly createMessage?: string;
  readonly warnings?: readonly string[];
  readonly startMessage?: string;
  readonly exitCode?: number;
  readonly output?: readonly (readonly [stream: number, text: string])[];
  readonly answers?: Readonly<Record<string, readonly [status: number, body: unknown]>>;
  /** Answers what it was sent, after the end of stdin. */
  readonly echoes?: boolean;
}

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly requests: readonly string[];
}

const id = 'ab'.repeat(32);

function frame([stream, text]: readonly [number, string]): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, Buffer.byteLength(text)]);
  return Buffer.concat([header, Buffer.from(text)]);
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body));
}

/** Runs `estiva <argv>` against a daemon that follows `script`. */
async function run(argv: readonly string[], script: Script = {}, input = ''): Promise<Result> {
  const folder = mkdtempSync(`${tmpdir()}/estiva-cli-`);
  const requests: string[] = [];
  const server = daemonOf(script, requests);
  await new Promise<void>((resolve) => { server.listen(`${folder}/d.sock`, resolve); });
  const texts = { out: '', err: '' };
  const sink = (name: 'out' | 'err'): Writable => new Writable({ write(chunk: Buffer, _, done) { texts[name] += chunk.toString(); done(); } });
  const stdin = new PassThrough();
  stdin.end(input);
  const surroundings = { stdin, stdout: sink('out'), stderr: sink('err'), environment: { ESTIVA_HOST: `unix://${folder}/d.sock` }, runDaemon: async () => undefined };
  try {
    const code = await runCli(argv.map((word) => word.replace('FOLDER', folder)), surroundings);
    if (argv.includes('--cidfile')) texts.out += readFileSync(`${folder}/cid`, 'utf8');
    return { code, ...texts, requests };
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

function daemonOf(script: Script, requests: string[]): ReturnType<typeof createServer> {
  let exit: (() => void) | undefined;
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/v[\d.]+/, '');
    requests.push(`${request.method} ${path}`);
    request.resume();
    const scripted = Object.entries(script.answers ?? {}).find(([key]) => `${request.method} ${path}`.startsWith(key));
    if (scripted !== undefined) return reply(response, ...scripted[1]);
    if (path.startsWith('/containers/create')) {
      if (script.createStatus !== undefined) return reply(response, script.createStatus, { message: script.createMessage });
      return reply(response, 201, { Id: id, Warnings: script.warnings ?? [] });
    }
    if (path.includes('/wait')) {
      response.writeHead(200).flushHeaders();
      exit = () => response.end(JSON.stringify({ StatusCode: script.exitCode ?? 0 }));
      return undefined;
    }
    if (path.includes('/start') && script.startMessage !== undefined) {
      exit?.();
      return reply(response, 400, { message: script.startMessage });
    }
    if (path.includes('/start')) {
      reply(response, 204, undefined);
      server.emit('started');
      return undefined;
    }
    return reply(response, 404, { message: 'page not found' });
  });
  server.on('upgrade', (request, socket) => {
    requests.push(`${request.method} ${(request.url ?? '').replace(/^\/v[\d.]+/, '')}`);
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    let got = '';
    socket.on('data', (chunk: Buffer) => { got += chunk.toString(); });
    const stdinEnd = new Promise((resolve) => { socket.on('end', resolve); });
    server.once('started', () => {
      for (const part of script.output ?? []) socket.write(frame(part));
      void (script.echoes === true ? stdinEnd : Promise.resolve()).then(() => {
        socket.end(script.echoes === true ? frame([1, got]) : undefined);
        exit?.();
      });
    });
  });
  return server;
}

test('run gives the container\'s output and exit code', async () => {
  const { code, out, err, requests } = await run(['run', '--rm', 'busybox', 'true'], { exitCode: 7, output: [[1, 'out\n'], [2, 'err\n']], warnings: ['no network'] });
  assert.deepEqual({ code, out, err }, { code: 7, out: 'out\n', err: 'WARNING: no network\nerr\n' });
  assert.deepEqual(requests.toSorted(), [
    `POST /containers/${id}/attach?stdout=1&stderr=1&stream=1`, `POST /containers/${id}/start`, `POST /containers/${id}/wait?condition=removed`, 'POST /containers/create',
  ]);
});

test('run -i forwards stdin and its end', async () => {
  const { code, out } = await run(['run', '-i', 'busybox', 'cat'], { echoes: true }, 'typed\n');
  assert.deepEqual({ code, out }, { code: 0, out: 'typed\n' });
});

test('run -d prints the id and attaches to nothing', async () => {
  const { code, out, requests } = await run(['run', '-d', 'busybox']);
  assert.deepEqual({ code, out }, { code: 0, out: `${id}\n` });
  assert.deepEqual(requests, ['POST /containers/create', `POST /containers/${id}/start`]);
});

test('run ends with 127, 126 and 125 as Docker does', async () => {
  const failures: readonly (readonly [message: string, code: number])[] = [
    ['exec: "nope": executable file not found in $PATH: unknown', 127], ['exec: "/nope": stat /nope: no such file or directory', 127],
    ['exec: "/etc": is a directory: permission denied', 126], ['cannot set the limit', 125],
  ];
  for (const [startMessage, expected] of failures) {
    const { code, err, out } = await run(['run', '--rm', 'busybox', 'nope'], { startMessage });
    assert.deepEqual({ code, err, out }, { code: expected, out: '', err: `estiva: Error response from daemon: ${startMessage}\n\nRun 'estiva run --help' for more information\n` });
  }
});

test('run of an unknown image shows what the daemon says about pulling', async () => {
  const script = { createStatus: 404, createMessage: 'No such image: nope:latest', answers: { 'POST /images/create': [501, { message: 'Pulling is not there yet' }] } } as const;
  const { code, err, requests } = await run(['run', 'nope'], script);
  assert.equal(code, 125);
  assert.equal(err, 'Unable to find image \'nope:latest\' locally\nestiva: Error response from daemon: Pulling is not there yet\n\nRun \'estiva run --help\' for more information\n');
  assert.deepEqual(requests, ['POST /containers/create', 'POST /images/create?fromImage=nope&tag=latest']);
  assert.equal((await run(['run', '--pull', 'never', 'nope'], script)).requests.length, 1);
});

test('run --explain prints the program before and the time of the start after', async () => {
  const steps = [{ call: 'mount', text: 'proc on /proc', why: 'its own processes only' }, { call: 'execve', text: '/bin/true', why: 'the program' }];
  const { code, err } = await run(['run', '--explain', 'busybox'], { answers: { [`GET /containers/${id}/estiva/explain`]: [200, { steps }] } });
  assert.equal(code, 0);
  assert.match(err, /^1 {2}mount {3}proc on \/proc {2}its own processes only\n2 {2}execve {2}\/bin\/true {6}the program\n2 steps; from the request to start until the program ran: \d+\.\d ms\n$/);
  assert.match((await run(['run', '--explain', 'busybox'])).err, /^This daemon is not Estiva's/);
});

test('create prints the id, writes --cidfile, and does not overwrite it', async () => {
  assert.equal((await run(['create', '--cidfile', 'FOLDER/cid', 'busybox'])).out, `${id}\n${id}`);
  const path = `${tmpdir()}/estiva-cid-${process.pid}`;
  writeFileSync(path, 'mine');
  const { code, err } = await run(['create', '--cidfile=' + path, 'busybox']);
  assert.equal(code, 125);
  assert.match(err, /container ID file found/);
  assert.equal(readFileSync(path, 'utf8'), 'mine');
  rmSync(path);
});

test('commands for several containers try all and end with 1 when one failed', async () => {
  const answers = { 'DELETE /containers/a': [204, undefined], 'DELETE /containers/b': [404, { message: 'No such container: b' }], 'DELETE /containers/c': [204, undefined] } as const;
  const { code, out, err } = await run(['rm', 'a', 'b', 'c'], { answers });
  assert.deepEqual({ code, out, err }, { code: 1, out: 'a\nc\n', err: 'Error response from daemon: No such container: b\n' });
});

test('the command line refuses what it does not know', async () => {
  const refused: readonly (readonly [argv: readonly string[], code: number, err: RegExp])[] = [
    [['run', '--xx'], 125, /^unknown flag: --xx\n\nUsage: {2}estiva run \[OPTIONS\] IMAGE/], [['run'], 1, /^estiva: 'estiva run' requires at least 1 argument\n[^]*\nSee 'estiva run --help'/],
    [['ps', 'x'], 1, /accepts no arguments/], [['foo'], 1, /unknown command: estiva foo/], [['buildx', 'ls'], 1, /'estiva buildx' is not there yet in Estiva: BuildKit comes later/], [['daemon', '--bogus'], 125, /^unknown flag: --bogus\n\nUsage: {2}estiva daemon/], [['--foo'], 125, /unknown flag: --foo/],
    [['run', '-it', 'busybox'], 1, /^the input device is not a TTY\n$/], [['-H', 'tcp://10.0.0.1:1', 'ps'], 1, /^Refusing tcp:/],
  ];
  for (const [argv, expected, err] of refused) {
    const result = await run(argv);
    assert.equal(result.code, expected, argv.join(' '));
    assert.match(result.err, err);
    assert.deepEqual(result.requests, []);
  }
});

test('--root is not ignored by a daemon that has another one', async () => {
  const answers = { 'GET /info': [200, { DockerRootDir: '/data' }], 'GET /containers/json': [200, []] } as const;
  assert.equal((await run(['--root', '/data', 'ps'], { answers })).code, 0);
  const { code, err } = await run(['--root', '/other', 'ps'], { answers });
  assert.equal(code, 1);
  assert.match(err, /^The daemon at unix:.* has the data root "\/data", not "\/other"\nGive a run directory/);
});

test('every command has help that names its usage', async () => {
  const { out } = await run(['--help']);
  const names = [...out.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = '']) => name).filter((name) => !['container', 'context', 'image', 'system'].includes(name));
  assert.ok(names.length > 15);
  for (const name of names) assert.match((await run([name, '--help'])).out, new RegExp(`^Usage: {2}estiva ${name}`), name);
});

test('completion prints scripts for bash, fish and zsh that name commands, flags and what operands are', async () => {
  const { out, code } = await run(['completion', 'bash']);
  assert.equal(code, 0);
  assert.match(out, /^ {4}'container ls'\) words='[^']*--no-trunc/m);
  assert.match(out, /^ {4}'run'\) words='[^']*--detach/m);
  assert.match(out, /^ {4}'rm'\) .*operands="\$\(estiva ps -a --format/m);
  assert.match((await run(['completion', 'zsh'])).out, /^#compdef estiva\n[^]*'stop'\) words_here=\('--signal:Signal that asks to stop'/);
  assert.match((await run(['completion', 'fish'])).out, /^complete -c estiva -f -n '__estiva_at container' -a stop -d 'Stop one or more running containers'$/m);
  assert.equal((await run(['completion', 'tcsh'])).code, 1);
});

test('ps prints Docker\'s table', async () => {
  const container = { Id: id, Names: ['/web'], Image: 'busybox', ImageID: 'sha256:1', Command: 'sleep 100000000000000000', Created: Math.floor(Date.now() / 1000) - 300, Ports: [], Labels: { a: 'b' }, State: 'running', Status: 'Up 5 minutes', HostConfig: { NetworkMode: 'none' }, NetworkSettings: { Networks: { none: {} } }, Mounts: [] };
  const answers = { 'GET /containers/json': [200, [container]] } as const;
  const { out } = await run(['ps'], { answers });
  assert.equal(out, `CONTAINER ID   IMAGE     COMMAND                  CREATED         STATUS         PORTS     NAMES\nabababababab   busybox   "sleep 1000000000000…"   5 minutes ago   Up 5 minutes             web\n`);
  assert.equal((await run(['ps', '-q'], { answers })).out, 'abababababab\n');
  assert.equal((await run(['ps', '--format', '{{.Names}} {{.Label "a"}} {{.Networks}}'], { answers })).out, 'web b none\n');
  assert.deepEqual((await run(['ps', '-a', '-f', 'name=x', '-f', 'name=y'], { answers })).requests, [`GET /containers/json?all=1&filters=${encodeURIComponent('{"name":{"x":true,"y":true}}')}`]);
});
