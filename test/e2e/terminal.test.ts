// `-it` as a person has it: the docker client runs on a real pseudo-terminal (made by util-linux's `script`), so raw mode, window size and detach
// keys go the whole way from the keyboard to the program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { which } from '../fixtures/cache.ts';
import { busybox, dockerClient, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const terminals: Terminal[] = [];
after(() => { for (const terminal of terminals) terminal.close(); });
const skip = which('script') === undefined && 'script (bsdutils) is missing';

/** A shell line on a terminal of its own; what it shows, and a keyboard. */
class Terminal {
  readonly #child;
  shown = '';

  constructor(line: string) {
    this.#child = spawn('script', ['-qec', line, '/dev/null'], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, TERM: 'xterm' }, stdio: 'pipe' });
    this.#child.stdout.on('data', (chunk: Buffer) => { this.shown += chunk.toString(); });
    this.#child.stdin.on('error', () => { /* Typing after the end is no matter. */ });
    terminals.push(this);
  }

  /** For a test that failed: its client does not stay. */
  close(): void {
    this.#child.kill('SIGKILL');
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  async shows(text: string | RegExp): Promise<void> {
    await until(`the terminal shows ${text}; it shows ${JSON.stringify(this.shown)}`, () => (typeof text === 'string' ? this.shown.includes(text) : text.test(this.shown)));
  }

  /** The line's exit code. */
  async end(): Promise<number> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    const [code] = this.#child.exitCode === null ? await once(this.#child, 'close') as [number | null] : [this.#child.exitCode];
    clearTimeout(timer);
    return code ?? -1;
  }
}

const docker = dockerClient();
const runIt = `${docker} run --rm -it ${engine.flags}`;

test('run -it: a shell that answers, in colour of TERM, with exit code', { skip }, async () => {
  const terminal = new Terminal(`${runIt} ${busybox} sh`);
  await terminal.shows('# ');
  terminal.type('echo $((6*7)) $TERM; tty; test -t 0 && test -t 1 && test -t 2 && echo all-tty\r');
  await terminal.shows('42 xterm');
  await terminal.shows('/dev/pts/0');
  await terminal.shows('all-tty\r\n');
  terminal.type('exit 3\r');
  assert.equal(await terminal.end(), 3);
});

test('run -it: ctrl-c reaches the program as a signal', { skip }, async () => {
  const terminal = new Terminal(`${runIt} ${busybox} sh -c 'trap "echo got-int; exit 4" INT; echo ready; while :; do sleep 0.1; done'`);
  await terminal.shows('ready');
  terminal.type('\u0003');
  await terminal.shows('got-int');
  assert.equal(await terminal.end(), 4);
});

test('run -it: the window\'s size is there at the start and follows a change', { skip }, async () => {
  // The client sends the size right after the start, so a program that looks at once may still see 0 0: both are waited for.
  const inside = 'for size in "33 77" "44 99"; do until [ "$(stty size)" = "$size" ]; do sleep 0.05; done; echo saw-$size; done';
  const terminal = new Terminal(`stty rows 33 cols 77; keys=$(tty); (sleep 2; stty -F $keys rows 44 cols 99) & ${runIt} ${busybox} sh -c '${inside}'`);
  await terminal.shows('saw-33 77');
  await terminal.shows('saw-44 99');
  assert.equal(await terminal.end(), 0);
});

test('ctrl-p ctrl-q detaches and leaves it running; attach comes back', { skip }, async () => {
  const name = engine.unique('detach');
  const terminal = new Terminal(`${docker} run -it ${engine.flags} --name ${name} ${busybox} sh`);
  await terminal.shows('# ');
  terminal.type('\u0010\u0011');
  assert.equal(await terminal.end(), 0);
  assert.equal((await engine.inspect(name)).State.Running, true);
  const again = new Terminal(`${docker} attach ${name}`);
  await sleep(500);
  again.type('echo back-$((40+2)); exit 5\r');
  await again.shows('back-42');
  assert.equal(await again.end(), 5);
  succeeded(await engine.docker(['rm', name]));
});

test('--detach-keys chooses other keys, and ctrl-p alone reaches the program', { skip }, async () => {
  const name = engine.unique('keys');
  const terminal = new Terminal(`${docker} run -it ${engine.flags} --detach-keys ctrl-x,y --name ${name} ${busybox} sh -c 'stty raw -echo; echo ready; dd bs=1 count=2 2>/dev/null | od -An -tx1; sleep 100'`);
  await terminal.shows('ready');
  terminal.type('\u0010A');
  await terminal.shows(/10 41/);
  terminal.type('\u0018y');
  assert.equal(await terminal.end(), 0);
  assert.equal((await engine.inspect(name)).State.Running, true);
  succeeded(await engine.docker(['rm', '-f', name]));
});

test('exec -it has a terminal of its own, and its exit code comes back', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '100']);
  const terminal = new Terminal(`stty rows 20 cols 60; ${docker} exec -it ${id} sh`);
  await terminal.shows('# ');
  terminal.type('test -t 0 && echo yes-tty; stty size; exit 6\r');
  await terminal.shows('yes-tty\r\n');
  await terminal.shows('20 60');
  assert.equal(await terminal.end(), 6);
  succeeded(await engine.docker(['rm', '-f', id]));
});

test('exec -it: ctrl-p ctrl-q leaves the exec running', { skip }, async () => {
  const id = await engine.start([busybox, 'sleep', '100']);
  const terminal = new Terminal(`${docker} exec -it ${id} sh`);
  await terminal.shows('# ');
  terminal.type('\u0010\u0011');
  await terminal.end();
  assert.match(succeeded(await engine.docker(['exec', id, 'ps'])), /\bsh\b/);
  succeeded(await engine.docker(['rm', '-f', id]));
});

test('with a terminal, output has carriage returns and one stream; the log keeps them', { skip }, async () => {
  const name = engine.unique('cr');
  const outcome = await engine.docker(['run', '-t', ...engine.flags.split(' '), '--name', name, busybox, 'sh', '-c', 'echo out; echo err >&2']);
  assert.equal(outcome.stdout, 'out\r\nerr\r\n');
  assert.equal(succeeded(await engine.docker(['logs', name])), 'out\r\nerr\r\n');
  succeeded(await engine.docker(['rm', name]));
});

test('resize through the API is what the program sees', async () => {
  const id = await engine.start(['-t', busybox, 'sleep', '100']);
  assert.equal((await engine.http('POST', `/containers/${id}/resize?h=50&w=120`)).status, 200);
  assert.equal(succeeded(await engine.docker(['exec', id, 'sh', '-c', 'stty -F /dev/pts/0 size'])).trim(), '50 120');
  succeeded(await engine.docker(['rm', '-f', id]));
});
