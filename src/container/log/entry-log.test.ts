import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { recordKernel } from '../../kernel/fake.ts';
import { call, type SyscallName } from '../../kernel/index.ts';
import type { LogEntry, LogOptions, StreamName } from '../container.ts';
import { EntryLog } from './entry-log.ts';
import type { LogLimits } from './options.ts';

const all: LogOptions = { stdout: true, stderr: true, follow: false, signal: new AbortController().signal };
const limits: LogLimits = { sizeBytesMax: 20_000_000, filesMax: 3, compress: false };

function place(t: TestContext): { readonly path: string; readonly cursorPath: string } {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-log-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return { path: `${dir}/c-json.log`, cursorPath: `${dir}/log.cursor` };
}

function openLog(t: TestContext, more: LogLimits = limits): EntryLog {
  const log = new EntryLog({ ...place(t), limits: more });
  t.after(() => log[Symbol.dispose]());
  log.startRun();
  return log;
}

async function entriesOf(log: EntryLog, options: Partial<LogOptions> = {}): Promise<LogEntry[]> {
  return Array.fromAsync(log.read({ ...all, ...options }));
}

async function textOf(log: EntryLog, options: Partial<LogOptions> = {}): Promise<string> {
  return Buffer.concat((await entriesOf(log, options)).map((entry) => entry.bytes)).toString();
}

test('append() escapes as dockerd does', (t) => {
  const at = place(t);
  using log = new EntryLog(at);
  log.startRun();
  log.append('stdout', Buffer.from('tab\tq"b\\ <>&/ nul\0 bel\x07 del\x7f cr\r é \u2028 \u2029 bad', 'utf8'));
  log.append('stdout', Buffer.from('\xff\xfe half\xc3\n\xc3(\n\xed\xa0\x80 surr \xf0\x9f\x98\x80 \b\f\n', 'latin1'));
  const lines = readFileSync(at.path, 'utf8').split('\n');
  // Taken from a file that dockerd 28.5 wrote of the same bytes.
  assert.deepEqual(lines.map((line) => line.split(',"stream"')[0]), [
    '{"log":"tab\\u0009q\\"b\\\\ \\u003c\\u003e\\u0026/ nul\\u0000 bel\\u0007 del\x7f cr\\r é \\u2028 \\u2029 bad\\ufffd\\ufffd half\\ufffd\\n"',
    '{"log":"\\ufffd(\\n"', '{"log":"\\ufffd\\ufffd\\ufffd surr 😀 \\u0008\\u000c\\n"', '',
  ]);
  assert.match(lines[0]!, /,"stream":"stdout","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"\}$/);
});

test('append() cuts lines over 16 KiB into entries without a newline', async (t) => {
  const log = openLog(t);
  log.append('stdout', Buffer.from(`${'x'.repeat(40000)}\nshort\n`));
  log.append('stderr', Buffer.from(`${'y'.repeat(16383)}\n${'é'.repeat(16384)}\n`));
  const entries = await entriesOf(log);
  assert.deepEqual(entries.map((entry) => entry.bytes.length), [16384, 16384, 7233, 6, 16384, 16384, 16384, 1]);
  assert.equal(Buffer.concat(entries.filter((entry) => entry.stream === 'stderr').map((entry) => entry.bytes)).toString(), `${'y'.repeat(16383)}\n${'é'.repeat(16384)}\n`);
});

test('flush() logs a last line without newline; pending bytes are not consumed before', async (t) => {
  const log = openLog(t);
  log.append('stdout', Buffer.from('one\ntw'));
  log.append('stdout', Buffer.from('o'));
  assert.equal(log.consumed('stdout'), 4);
  assert.equal(Buffer.from(log.pending('stdout')).toString(), 'two');
  log.flush('stdout');
  assert.equal(log.consumed('stdout'), 7);
  assert.deepEqual((await entriesOf(log)).map((entry) => Buffer.from(entry.bytes).toString()), ['one\n', 'two']);
});

test('append() rotates near max-size and keeps max-file files', async (t) => {
  const at = place(t);
  using log = new EntryLog({ ...at, limits: { sizeBytesMax: 10_000, filesMax: 3, compress: false } });
  log.startRun();
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`);
  log.append('stdout', Buffer.from(lines.join('')));
  for (const name of ['.1', '.2']) assert.ok(Math.abs(statSync(at.path + name).size - 10_000) < 100, name);
  assert.ok(statSync(at.path).size < 10_100);
  assert.equal(existsSync(`${at.path}.3`), false);
  const text = await textOf(log);
  assert.ok(text.length > 1000 && lines.join('').endsWith(text));
});

test('append() with max-file 1 begins an empty file', async (t) => {
  const log = openLog(t, { sizeBytesMax: 500, filesMax: 1, compress: false });
  for (let i = 0; i < 20; i++) log.append('stdout', Buffer.from(`line ${i}\n`));
  const text = await textOf(log);
  assert.ok(text.endsWith('line 19\n') && !text.includes('line 1\n'));
});

test('read() tail counts from the back, over rotated files', async (t) => {
  const log = openLog(t, { sizeBytesMax: 700, filesMax: 5, compress: false });
  for (let i = 0; i < 30; i++) log.append(i % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(`line ${i}\n`));
  for (const tail of [0, 1, 2, 8, 9, 10, 25]) {
    const expected = Array.from({ length: tail }, (_, i) => `line ${30 - tail + i}\n`).join('');
    assert.equal(await textOf(log, { tail }), expected, `tail ${tail}`);
  }
  assert.equal(await textOf(log, { tail: 4, stderr: false }), 'line 26\nline 28\n');
});

test('read() since and until take entries by their time', async (t) => {
  const log = openLog(t);
  log.append('stdout', Buffer.from('before\n'));
  await sleep(5);
  const sinceNs = BigInt(Date.now()) * 1_000_000n;
  await sleep(5);
  log.append('stdout', Buffer.from('between\n'));
  await sleep(5);
  const untilNs = BigInt(Date.now()) * 1_000_000n;
  await sleep(5);
  log.append('stdout', Buffer.from('after\n'));
  assert.equal(await textOf(log, { sinceNs, untilNs }), 'between\n');
  assert.equal(await textOf(log, { sinceNs }), 'between\nafter\n');
  assert.equal(await textOf(log, { untilNs }), 'before\nbetween\n');
  const [first] = await entriesOf(log);
  const exactlyNs = BigInt(Date.parse(`${first!.time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(first!.time.slice(20, 29));
  assert.equal(await textOf(log, { sinceNs: exactlyNs, untilNs: exactlyNs }), 'before\n', 'to the nanosecond');
});

test('read() skips what is no entry and reads what dockerd wrote', async (t) => {
  const at = place(t);
  writeFileSync(at.path, '{"log":"224\n{"log":"a\\u003cb\\n","stream":"stderr","time":"2026-01-01T00:00:00.5Z"}\nnonsense\n{"log":"torn');
  using log = new EntryLog(at);
  const entries = await entriesOf(log);
  assert.deepEqual(entries.map((entry) => [entry.stream, entry.time, Buffer.from(entry.bytes).toString()]), [['stderr', '2026-01-01T00:00:00.500000000Z', 'a<b\n']]);
});

test('read() with follow sees each entry once over rotations, and ends with the run', async (t) => {
  const log = openLog(t, { sizeBytesMax: 2000, filesMax: 3, compress: false });
  let text = '';
  const reading = (async () => {
    for await (const entry of log.read({ ...all, follow: true })) text += Buffer.from(entry.bytes).toString();
  })();
  let expected = '';
  for (let i = 0; i < 300; i++) {
    log.append('stdout', Buffer.from(`line ${i}\n`));
    expected += `line ${i}\n`;
    if (i % 7 === 0) await sleep(1);
  }
  log.append('stdout', Buffer.from('end'));
  log.flush('stdout');
  log.endRun();
  await reading;
  assert.equal(text, `${expected}end`);
});

test('read() with follow says when entries were rotated away, and stops when aborted', async (t) => {
  const log = openLog(t, { sizeBytesMax: 500, filesMax: 2, compress: false });
  const abort = new AbortController();
  const entries = log.read({ ...all, follow: true, signal: abort.signal })[Symbol.asyncIterator]();
  log.append('stdout', Buffer.from('first\n'));
  assert.equal(Buffer.from(((await entries.next()).value as LogEntry).bytes).toString(), 'first\n');
  for (let i = 0; i < 100; i++) log.append('stdout', Buffer.from(`line ${i}\n`));
  let text = '';
  while (!text.endsWith('line 99\n')) text += Buffer.from(((await entries.next()).value as LogEntry).bytes).toString();
  assert.match(text, /entries are missing here/);
  const last = entries.next();
  abort.abort();
  assert.equal((await last).done, true);
});

test('append() on a full disk loses no order: one entry says how much is missing', async (t) => {
  const log = openLog(t);
  log.append('stdout', Buffer.from('before\n'));
  {
    using kernel = recordKernel();
    let calls = 0;
    kernel.answer('write', (args) => (calls++ % 2 === 0 ? call('pwrite64', Number(args[0]), args[1] as Uint8Array, 5, 0) : -28));
    log.append('stdout', Buffer.from('lost\nlost too\npend'));
  }
  log.append('stdout', Buffer.from('ing\n'));
  assert.equal(await textOf(log), 'before\n[estiva] 14 bytes of output are missing here: they could not be written to the log\npending\n');
  assert.equal(log.consumed('stdout'), 7 + 14 + 8);
});

test('a log that its owner emptied goes on', async (t) => {
  const at = place(t);
  using log = new EntryLog(at);
  log.startRun();
  log.append('stdout', Buffer.from('old\n'));
  truncateSync(at.path, 0);
  using again = new EntryLog(at);
  assert.equal(again.consumed('stdout'), 4);
  again.append('stdout', Buffer.from('new\n'));
  assert.equal(await textOf(again), 'new\n');
});

test('entries beyond the cursor are cut off when the log is opened', async (t) => {
  const at = place(t);
  {
    using log = new EntryLog(at);
    log.startRun();
    log.append('stdout', Buffer.from('one\n'));
  }
  appendFileSync(at.path, '{"log":"two\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n{"lo');
  using log = new EntryLog(at);
  assert.equal(await textOf(log), 'one\n');
});

// Every system call of a run of appends and rotations is the last one once; a write may also stop half-way.
const steps: readonly SyscallName[] = ['openat', 'write', 'pwrite64', 'renameat2', 'unlinkat', 'ftruncate', 'statx', 'read', 'pread64'];

class Killed extends Error {}

function untilKilled(step: number, torn: boolean, work: () => void): boolean {
  using kernel = recordKernel();
  let count = 0;
  let inside = false;
  for (const name of steps) {
    kernel.answer(name, (args) => {
      if (inside) return undefined as unknown as number;
      if (count++ < step) return undefined as unknown as number;
      if (torn && name === 'write' && count === step + 1) {
        inside = true;
        const bytes = args[1] as Uint8Array;
        call('write', Number(args[0]), bytes.subarray(0, bytes.length / 2), Math.floor(bytes.length / 2));
        inside = false;
      }
      throw new Killed();
    });
  }
  try {
    work();
    return false;
  } catch (error) {
    if (error instanceof Killed) return true;
    throw error;
  }
}

for (const filesMax of [1, 2, 4]) {
  test(`kill after any step loses and doubles nothing, max-file ${filesMax}`, async (t) => {
    const spools: Record<StreamName, Buffer> = {
      stdout: Buffer.from(Array.from({ length: 24 }, (_, i) => `out ${i}\n`).join('')), stderr: Buffer.from(`${Array.from({ length: 10 }, (_, i) => `err ${i}\n`).join('')}no newline`),
    };
    const more: LogLimits = { sizeBytesMax: filesMax === 4 ? 800 : 500, filesMax, compress: false };
    const writeAll = (log: EntryLog): void => {
      for (const stream of ['stdout', 'stderr'] as const) {
        for (let at = log.resumeAt(stream, spools[stream].length); at < spools[stream].length; at += 50) log.append(stream, spools[stream].subarray(at, at + 50));
        log.flush(stream);
      }
    };
    const expectedLog = new EntryLog({ ...place(t), limits: more });
    expectedLog.startRun();
    writeAll(expectedLog);
    const expected = await textOf(expectedLog);
    for (const torn of [false, true]) {
      for (let step = 0; ; step++) {
        const at = { ...place(t), limits: more };
        new EntryLog(at).startRun();
        const wasKilled = untilKilled(step, torn, () => writeAll(new EntryLog(at)));
        // Killed again while it recovers, then left alone.
        untilKilled(step % 5, torn, () => writeAll(new EntryLog(at)));
        const log = new EntryLog(at);
        writeAll(log);
        const text = await textOf(log);
        assert.ok(text.endsWith(expected.slice(-300)) && text.split('out').length + text.split('err').length >= expected.split('out').length + expected.split('err').length - 12, `step ${step}:\n${text}`);
        assert.equal(isTailOfBoth(text, spools), true, `step ${step}:\n${text}`);
        log[Symbol.dispose]();
        if (!wasKilled) break;
      }
    }
  });
}

/** Whether the entries are the end of both streams, in order, each line once. */
function isTailOfBoth(text: string, spools: Record<StreamName, Buffer>): boolean {
  const err = text.indexOf('err');
  const out = text.slice(0, err < 0 ? undefined : err);
  return spools.stdout.toString().endsWith(out) && (err < 0 || spools.stderr.toString().endsWith(text.slice(err)));
}
