// dockerode, the library that most Node programs use for Docker, doing a container's life against whatever engine is under test.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { PassThrough, type Duplex, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { busybox, openEngine, until } from './engine.ts';

/** What is used of it here: it ships no types. */
interface Box {
  readonly id: string;
  start(): Promise<void>;
  stop(options: { t: number }): Promise<void>;
  wait(): Promise<{ StatusCode: number }>;
  remove(options?: { force: boolean }): Promise<void>;
  inspect(): Promise<{ State: { Status: string; ExitCode: number }; HostConfig: { Memory: number } }>;
  attach(options: object): Promise<Duplex>;
  logs(options: { follow: true; stdout: true; stderr: true }): Promise<Readable>;
  exec(options: object): Promise<{ start(options: object): Promise<Duplex>; inspect(): Promise<{ ExitCode: number }> }>;
}
interface Dockerode {
  readonly modem: { demuxStream(stream: Readable, stdout: PassThrough, stderr: PassThrough): void };
  ping(): Promise<Buffer>;
  version(): Promise<{ Os: string }>;
  createContainer(options: object): Promise<Box>;
  getContainer(id: string): Box;
  listContainers(options: object): Promise<{ Id: string; State: string }[]>;
  listImages(): Promise<{ RepoTags: string[] }[]>;
  run(image: string, command: string[], output: PassThrough[], options: object): Promise<[{ StatusCode: number }, Box]>;
}

const load = createRequire(import.meta.url);
const engine = await openEngine();
const docker = new (load('dockerode') as new (options: { socketPath: string }) => Dockerode)({ socketPath: engine.socketPath });

const quiet = { HostConfig: { NetworkMode: 'none' } };

/** Both outputs of a framed stream, once it has ended. */
async function apart(stream: Readable): Promise<[stdout: string, stderr: string]> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, stdout, stderr);
  stream.on('end', () => { stdout.end(); stderr.end(); });
  return Promise.all([text(stdout), text(stderr)]);
}

test('dockerode: ping, version, images, and what is not there', async () => {
  assert.equal(String(await docker.ping()), 'OK');
  assert.equal((await docker.version()).Os, 'linux');
  assert.ok((await docker.listImages()).some(({ RepoTags: tags }) => tags.includes(busybox)));
  await assert.rejects(docker.getContainer('no-such-one').inspect(), { statusCode: 404, reason: 'no such container' });
});

test('dockerode: run gives output and exit code', async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [[{ StatusCode: code }, box], out, err] = await Promise.all([
    docker.run(busybox, ['sh', '-c', 'echo out; echo err >&2; exit 3'], [stdout, stderr], { Tty: false, ...quiet }).finally(() => { stdout.end(); stderr.end(); }), text(stdout), text(stderr),
  ]);
  assert.deepEqual([code, out, err], [3, 'out\n', 'err\n']);
  await box.remove();
});

test('dockerode: a life: create, attach with stdin, start, exec, logs, stop, wait, inspect, remove', async () => {
  const name = engine.unique('dockerode');
  const box = await docker.createContainer({
    name, Image: busybox, Cmd: ['sh', '-c', 'read line; echo "got $line"; trap "exit 4" TERM; while :; do sleep 0.1; done'], OpenStdin: true, StdinOnce: true, HostConfig: { NetworkMode: 'none', Memory: 64 << 20 },
  });
  const attached = await box.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const output = apart(attached);
  await box.start();
  attached.write('typed\n');
  const exec = await box.exec({ Cmd: ['sh', '-c', 'echo inside; exit 5'], AttachStdout: true, AttachStderr: true });
  assert.deepEqual(await apart(await exec.start({})), ['inside\n', '']);
  assert.equal((await exec.inspect()).ExitCode, 5);
  await until('the line has been read', async () => (await engine.docker(['logs', name])).stdout === 'got typed\n');
  assert.deepEqual((await docker.listContainers({ filters: { name: [name] } })).map(({ State: state }) => state), ['running']);
  const logs = apart(await box.logs({ follow: true, stdout: true, stderr: true }));
  const ended = box.wait();
  await box.stop({ t: 5 });
  assert.equal((await ended).StatusCode, 4);
  assert.deepEqual([await output, await logs], [['got typed\n', ''], ['got typed\n', '']]);
  const { State: state, HostConfig: host } = await box.inspect();
  assert.deepEqual([state.Status, state.ExitCode, host.Memory], ['exited', 4, 64 << 20]);
  await box.remove();
  assert.deepEqual(await docker.listContainers({ all: true, filters: { name: [name] } }), []);
});
