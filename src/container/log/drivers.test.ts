// What the drivers do beyond the plain json-file log: another format, compressed files, details, and a log that nobody waits for.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { LogEntry, LogOptions } from '../container.ts';
import { EntryLog, type LogPlace } from './entry-log.ts';
import { jsonFormat } from './json-format.ts';
import { localFormat } from './local.ts';

const all: LogOptions = { stdout: true, stderr: true, follow: false, signal: new AbortController().signal };

function place(t: TestContext, more: Omit<LogPlace, 'path' | 'cursorPath'>): LogPlace {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-log-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return { path: `${dir}/log`, cursorPath: `${dir}/cursor`, ...more };
}

function open(t: TestContext, at: LogPlace): EntryLog {
  const log = new EntryLog(at);
  t.after(() => log[Symbol.dispose]());
  log.startRun();
  return log;
}

async function textOf(log: EntryLog, options: Partial<LogOptions> = {}): Promise<string> {
  const entries: LogEntry[] = await Array.fromAsync(log.read({ ...all, ...options }));
  return Buffer.concat(entries.map(({ bytes }) => bytes)).toString();
}

const numbered = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('');

async function untilCompressed(at: LogPlace, count: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const names = readdirSync(join(at.path, '..')).filter((name) => name.startsWith('log'));
    if (names.filter((name) => name.endsWith('.gz')).length === count && names.length === count + 1) return;
    await sleep(10);
  }
  assert.fail(`not compressed: ${readdirSync(join(at.path, '..')).join(' ')}`);
}

for (const [name, format] of [['local', localFormat], ['json-file', jsonFormat({ tag: 'x' })]] as const) {
  test(`a full file of ${name} is compressed, and read back with the others, from either end`, async (t) => {
    const at = place(t, { format, limits: { sizeBytesMax: 20_000, filesMax: 3, compress: true } });
    const log = open(t, at);
    let written = 0;
    for (let files = 0; files < 2; files++) {
      while (!existsSync(`${at.path}.${files + 1}`) && !existsSync(`${at.path}.${files + 1}.gz`)) log.append('stdout', Buffer.from(numbered(written, written += 50)));
      await untilCompressed(at, files + 1);
    }
    assert.ok(gunzipSync(readFileSync(`${at.path}.2.gz`)).includes('line 0'));
    assert.equal(await textOf(log), numbered(0, written));
    assert.equal(await textOf(log, { tail: written - 3 }), numbered(3, written));
    assert.equal(await textOf(log, { tail: 2 }), numbered(written - 2, written));
    log[Symbol.dispose]();
    const again = open(t, at);
    assert.equal(await textOf(again), numbered(0, written));
  });
}

test('rotation with compression keeps as many files as it may, even when it is faster than compressing', async (t) => {
  const at = place(t, { format: localFormat, limits: { sizeBytesMax: 2000, filesMax: 3, compress: true } });
  const log = open(t, at);
  for (let n = 0; n < 100; n++) log.append('stdout', Buffer.from(numbered(n * 100, n * 100 + 100)));
  await untilCompressed(at, 2);
  const text = await textOf(log);
  assert.ok(numbered(0, 10_000).endsWith(text));
  assert.ok(text.length > 2000);
});

test('jsonFormat() writes details as dockerd writes attrs, and reads them', async (t) => {
  const at = place(t, { format: jsonFormat({ zz: '1', aa: 'x<y' }) });
  const log = open(t, at);
  log.append('stderr', Buffer.from('hello\n'));
  assert.match(readFileSync(at.path, 'utf8'), /^\{"log":"hello\\n","stream":"stderr","attrs":\{"aa":"x\\u003cy","zz":"1"\},"time":"[^"]+"\}\n$/);
  const [entry] = await Array.fromAsync(log.read(all));
  assert.deepEqual({ ...entry, time: '' }, { stream: 'stderr', time: '', bytes: Buffer.from('hello\n'), details: { aa: 'x<y', zz: '1' } });
});

test('drop() counts what is left out, and an entry says so', async (t) => {
  const log = open(t, place(t, { lagBytesMax: 1000 }));
  log.append('stdout', Buffer.from('first\nhalf'));
  log.drop('stdout', 5000);
  assert.equal(log.consumed('stdout'), 'first\nhalf'.length + 5000);
  log.append('stdout', Buffer.from('last\n'));
  assert.equal(await textOf(log), 'first\n[estiva] 5004 bytes of output are missing here: they could not be written to the log\nlast\n');
});
