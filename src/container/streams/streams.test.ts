import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { isFail } from '../../base/index.ts';
import { recordKernel } from '../../kernel/fake.ts';
import { call, Fd, openPty, Readiness, tryCall } from '../../kernel/index.ts';
import { Spool } from '../../runtime/index.ts';
import type { Attachment, LogOptions } from '../container.ts';
import { EntryLog } from '../log/index.ts';
import { openStreams, removeSpools, spoolPaths, type StreamsOptions } from './streams.ts';

const all: LogOptions = { stdout: true, stderr: true, follow: false, signal: new AbortController().signal };
const output = { stdin: false, stdout: true, stderr: true };

interface Bench {
  readonly dir: string;
  readonly log: EntryLog;
  readonly readiness: Readiness;
  /** The program's ends. */
  readonly program: { stdin: Fd; stdout: Fd; stderr: Fd };
  readonly options: StreamsOptions;
}

/** Pipes as the supervisor makes them; the test plays the program. */
function setUp(t: TestContext, more: Partial<StreamsOptions> = {}): Bench {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-streams-'));
  const readiness = new Readiness();
  const alive = setInterval(() => undefined, 1000);
  const log = new EntryLog({ path: `${dir}/log`, cursorPath: `${dir}/log.cursor` });
  log.startRun();
  const [stdin, stdout, stderr] = [Fd.pipe(), Fd.pipe(), Fd.pipe()];
  t.after(() => {
    clearInterval(alive);
    readiness[Symbol.dispose]();
    for (const fd of [...stdin, ...stdout, ...stderr]) fd[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });
  return {
    dir, log, readiness, program: { stdin: stdin[0], stdout: stdout[1], stderr: stderr[1] },
    options: { stdout: stdout[0], stderr: stderr[0], stdin: stdin[1], terminal: false, readiness, spoolDir: dir, log, stdinOnce: true, onStdinClosed: () => undefined, ...more },
  };
}

function print(fd: Fd, text: string): void {
  const bytes = Buffer.from(text);
  call('write', fd.number, bytes, bytes.length);
}

async function textOf(attachment: Attachment): Promise<string> {
  let text = '';
  for await (const chunk of attachment.output) text += `${chunk.stream === 'stderr' ? '!' : ''}${Buffer.from(chunk.bytes).toString()}`;
  return text;
}

async function logged(log: EntryLog): Promise<string> {
  return Buffer.concat((await Array.fromAsync(log.read(all))).map((entry) => entry.bytes)).toString();
}

function end(bench: Bench): void {
  bench.program.stdout[Symbol.dispose]();
  bench.program.stderr[Symbol.dispose]();
}

/** Prints `bytes` as fast as the pipe takes them; resolves with the milliseconds that it took. */
async function flood(fd: Fd, bytes: number, line = `${'x'.repeat(99)}\n`): Promise<number> {
  const block = Buffer.from(line.repeat(Math.ceil(32768 / line.length)));
  call('fcntl', fd.number, 4, 0o4000);
  const start = performance.now();
  for (let left = bytes; left > 0;) {
    const written = tryCall('write', fd.number, block, Math.min(left, block.length));
    if (written > 0) left -= written;
    else await sleep(0);
  }
  return performance.now() - start;
}

test('openStreams() gives output to the log and to every client', async (t) => {
  const bench = setUp(t);
  const streams = openStreams(bench.options);
  const clients = [streams.attach(output), streams.attach(output), streams.attach({ ...output, stdout: false })].map(textOf);
  print(bench.program.stdout, 'one\n');
  while (await logged(bench.log) !== 'one\n') await sleep(5);
  print(bench.program.stderr, 'two\n');
  while (await logged(bench.log) !== 'one\ntwo\n') await sleep(5);
  print(bench.program.stdout, 'end');
  end(bench);
  await streams.finish();
  assert.deepEqual(await Promise.all(clients), ['one\n!two\nend', 'one\n!two\nend', '!two\n']);
  assert.equal(await logged(bench.log), 'one\ntwo\nend');
  assert.equal(existsSync(spoolPaths(bench.dir).stdout), false);
});

test('openStreams() makes no spool for a program that prints nothing', async (t) => {
  const bench = setUp(t);
  const streams = openStreams(bench.options);
  await sleep(10);
  assert.equal(existsSync(spoolPaths(bench.dir).stdout), false);
  end(bench);
  await streams.finish();
});

test('openStreams() goes on where the log ends: what a dead daemon left is logged once', async (t) => {
  const bench = setUp(t);
  print(bench.program.stdout, 'first\nbeg');
  {
    using streams = openStreams(bench.options);
    const [copy, copyOfErr] = [bench.options.stdout!, bench.options.stderr!].map((fd) => new Fd(call('fcntl', fd.number, 1030, 0)));
    // A machine with much to do takes its time.
    for (let tries = 0; tries < 200 && await logged(bench.log) === ''; tries++) await sleep(10);
    assert.equal(await logged(bench.log), 'first\n');
    streams[Symbol.dispose]();
    // The supervisor takes over.
    print(bench.program.stdout, 'un\nmeanwhile\n');
    using spool = new Spool(spoolPaths(bench.dir).stdout);
    spool.take(copy!, false, 1024);
    print(bench.program.stdout, 'in the pipe\n');
    const log = new EntryLog({ path: `${bench.dir}/log`, cursorPath: `${bench.dir}/log.cursor` });
    const again = openStreams({ ...bench.options, log, stdin: undefined, stdout: copy, stderr: copyOfErr });
    end(bench);
    await again.finish();
    assert.equal(await logged(log), 'first\nbegun\nmeanwhile\nin the pipe\n');
  }
});

test('finish() logs what is left in the spool when the program is gone', async (t) => {
  const bench = setUp(t);
  print(bench.program.stdout, 'left behind\n');
  {
    using spool = new Spool(spoolPaths(bench.dir).stdout);
    spool.take(bench.options.stdout!, false, 1024);
  }
  await openStreams({ ...bench.options, stdin: undefined, stdout: undefined, stderr: undefined }).finish();
  assert.equal(await logged(bench.log), 'left behind\n');
});

test('finish() does not wait for others who hold the pipe', async (t) => {
  const bench = setUp(t);
  const streams = openStreams(bench.options);
  print(bench.program.stdout, 'bye');
  const start = performance.now();
  await streams.finish();
  assert.ok(performance.now() - start < 1000);
  assert.equal(await logged(bench.log), 'bye');
});

test('attach() pending begins with the line that the log does not have yet', async (t) => {
  const bench = setUp(t);
  const streams = openStreams(bench.options);
  print(bench.program.stdout, 'done\n$ ');
  await sleep(20);
  const text = textOf(streams.attach({ ...output, pending: true }));
  print(bench.program.stdout, 'ls\n');
  end(bench);
  await streams.finish();
  assert.equal(await text, '$ ls\n');
});

test('removeSpools() clears the way for a new run', async (t) => {
  const bench = setUp(t);
  {
    using streams = openStreams(bench.options);
    print(bench.program.stdout, 'old\n');
    await sleep(20);
    streams[Symbol.dispose]();
  }
  assert.equal(existsSync(spoolPaths(bench.dir).stdout), true);
  removeSpools(bench.dir);
  removeSpools(bench.dir);
  bench.log.startRun();
  assert.equal(existsSync(spoolPaths(bench.dir).stdout), false);
  assert.equal(bench.log.resumeAt('stdout', 0), 0);
});

test('a client that stands still is cut off and never holds up the program', async (t) => {
  const bench = setUp(t, { limits: { backlogBytesMax: 2_000_000, standingMsMax: 50, idleMsMax: 1000 } });
  const streams = openStreams(bench.options);
  const stuck = streams.attach(output).output[Symbol.asyncIterator]();
  const first = stuck.next();
  let read = 0;
  const reading = (async () => {
    for await (const chunk of streams.attach(output).output) read += chunk.bytes.length;
  })();
  await flood(bench.program.stdout, 6_000_000);
  end(bench);
  await streams.finish();
  await reading;
  assert.equal(read, 6_000_000);
  assert.ok((await first).done !== true);
  await assert.rejects(async () => {
    for (;;) if ((await stuck.next()).done === true) return;
  }, (error) => isFail(error, 'unavailable') && /it missed \d+ bytes/.test((error as Error).message));
});

test('a client that is slow but moves gets every byte, from the spool', async (t) => {
  const bench = setUp(t, { limits: { backlogBytesMax: 500_000, standingMsMax: 1000, idleMsMax: 1000 } });
  const streams = openStreams(bench.options);
  const client = streams.attach(output);
  let read = 0;
  const reading = (async () => {
    for await (const chunk of client.output) {
      read += chunk.bytes.length;
      await sleep(5);
    }
  })();
  await flood(bench.program.stdout, 5_000_000);
  end(bench);
  await streams.finish();
  await reading;
  assert.equal(read, 5_000_000);
});

test('without a spool the program waits for its client, and a client that stands still is cut off', async (t) => {
  const bench = setUp(t, { spoolDir: undefined, log: undefined, limits: { backlogBytesMax: 0, standingMsMax: 0, idleMsMax: 300 } });
  const streams = openStreams(bench.options);
  const client = streams.attach(output);
  let isDone = false;
  const flooded = flood(bench.program.stdout, 3_000_000).then(() => (isDone = true));
  await sleep(150);
  assert.equal(isDone, false);
  await flooded;
  end(bench);
  await streams.finish();
  await assert.rejects(textOf(client), /stood still/);
});

test('a full disk holds nothing up: clients get the bytes, the log what it can', async (t) => {
  const bench = setUp(t);
  const streams = openStreams(bench.options);
  const text = textOf(streams.attach(output));
  print(bench.program.stdout, 'before\nbe');
  await sleep(20);
  {
    using kernel = recordKernel();
    kernel.answer('splice', () => -28);
    print(bench.program.stdout, 'gun\nwithout spool\nag');
    await sleep(20);
  }
  print(bench.program.stdout, 'ain\n');
  await sleep(20);
  end(bench);
  await streams.finish();
  assert.equal(await text, 'before\nbegun\nwithout spool\nagain\n');
  assert.equal(await logged(bench.log), 'before\nbegun\nwithout spool\nagain\n');
});

test('write() waits for a full pipe; closeInput() is the end of input after all bytes', async (t) => {
  let closed = 0;
  const bench = setUp(t, { onStdinClosed: () => closed++ });
  const streams = openStreams(bench.options);
  const client = streams.attach({ ...output, stdin: true });
  const sent = Buffer.alloc(300_000, 'abcdefgh');
  const writing = client.write(sent).then(() => client.closeInput());
  call('fcntl', bench.program.stdin.number, 4, 0o4000);
  const got: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(20_000);
    const count = tryCall('read', bench.program.stdin.number, buffer, buffer.length);
    if (count === 0) break;
    if (count > 0) got.push(buffer.subarray(0, count));
    await sleep(1);
  }
  await writing;
  assert.ok(Buffer.concat(got).equals(sent));
  assert.equal(closed, 1);
  await assert.rejects(client.write(sent), (error) => isFail(error, 'conflict'));
  end(bench);
  await streams.finish();
});

test('write() fails with conflict when the program has closed its stdin; a client without stdin cannot write', async (t) => {
  const bench = setUp(t);
  using streams = openStreams(bench.options);
  bench.program.stdin[Symbol.dispose]();
  await assert.rejects(streams.attach({ ...output, stdin: true }).write(Buffer.from('x')), (error) => isFail(error, 'conflict'));
  await assert.rejects(streams.attach(output).write(Buffer.from('x')), (error) => isFail(error, 'conflict'));
});

test('stdin stays open for the next client without stdinOnce', async (t) => {
  const bench = setUp(t, { stdinOnce: false });
  using streams = openStreams(bench.options);
  {
    await using client = streams.attach({ ...output, stdin: true });
    await client.write(Buffer.from('one'));
    await client.closeInput();
  }
  await streams.attach({ ...output, stdin: true }).write(Buffer.from('two'));
  const buffer = Buffer.alloc(100);
  assert.equal(buffer.toString('utf8', 0, call('read', bench.program.stdin.number, buffer, 100)), 'onetwo');
});

test('a terminal is one raw stream, and its closing is the end', async (t) => {
  const { master, slave } = openPty();
  const copy = new Fd(call('fcntl', master.number, 1030, 0));
  const bench = setUp(t, { terminal: true, stdout: master, stdin: copy, stderr: undefined });
  const streams = openStreams(bench.options);
  const client = streams.attach({ ...output, stdin: true });
  const text = textOf(client);
  print(slave, 'hello\n');
  await client.write(Buffer.from('typed\n'));
  await sleep(20);
  const buffer = Buffer.alloc(100);
  assert.equal(buffer.toString('utf8', 0, call('read', slave.number, buffer, 100)), 'typed\n');
  slave[Symbol.dispose]();
  await streams.finish();
  assert.equal(await text, 'hello\r\ntyped\r\n');
  assert.equal(await logged(bench.log), 'hello\r\ntyped\r\n');
});

test('a long run keeps the spool small on disk', async (t) => {
  const bench = setUp(t);
  const streams = openStreams(bench.options);
  await flood(bench.program.stdout, 8_000_000);
  await sleep(20);
  const spool = statSync(spoolPaths(bench.dir).stdout);
  assert.equal(spool.size, 8_000_000);
  assert.ok(spool.blocks * 512 < 1_500_000, `${spool.blocks * 512} bytes on disk`);
  end(bench);
  await streams.finish();
});
