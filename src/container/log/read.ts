// Reading the log back: over the rotated files, oldest first, and on with the writer when it follows.
//
// A place in the log is a generation and an offset in its file. Of the current file only what the cursor vouches for is read, so a reader never sees
// an entry that a crash would take back. A file that is rotated while it is read stays open and is read to its end; a reader so slow that the next
// file is gone when it comes to it gets one entry that says so, and goes on with the oldest that there is.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { rfc3339Ns } from '../../base/index.ts';
import { call, statFd, type Fd } from '../../kernel/index.ts';
import type { LogEntry, LogOptions } from '../container.ts';
import { timeOfEntry } from './clock.ts';
import type { LogFormat } from './log.ts';
import type { LogFile } from './log-file.ts';

const blockBytes = 256 * 1024;
/** A longer line was not written by us: it is skipped. */
const lineCharactersMax = 1024 * 1024;
const newline = 10;
const timeMsMax = 2 ** 31 - 1;

export interface LogSource {
  readonly file: LogFile;
  readonly format: LogFormat;
  readonly isActive: () => boolean;
  /** Calls `changed` whenever there is more, or there will be no more. */
  readonly watch: (changed: () => void) => Disposable;
}

export interface LogPosition {
  readonly generation: number;
  readonly offset: number;
}

/** Entries from the first that the options ask for to `end`, or, without it, for as long as the log is active. */
export async function* readEntries(source: LogSource, options: LogOptions, end: LogPosition | undefined): AsyncGenerator<LogEntry> {
  const since = options.sinceNs === undefined ? '' : rfc3339Ns(options.sinceNs);
  const until = options.untilNs === undefined ? '~' : rfc3339Ns(options.untilNs);
  for await (const lines of readLines(source, options, end)) {
    for (const line of lines) {
      const entry = source.format.decode(line);
      if (entry === undefined || entry.time < since) continue;
      if (entry.time > until) return;
      if (options[entry.stream]) yield entry;
      if (options.signal.aborted) return;
    }
  }
}

async function* readLines(source: LogSource, options: LogOptions, end: LogPosition | undefined): AsyncGenerator<readonly string[]> {
  const { file } = source;
  let { generation, offset } = await findStart(file, options.tail, end);
  // The oldest of the files may go while it is waited for: that is no gap. Later ones are expected.
  let isExpected = false;
  while (!options.signal.aborted) {
    using reader = await file.openGeneration(generation);
    if (reader === undefined && isExpected) yield [missingEntries(source.format, options.untilNs)];
    isExpected = true;
    for (let rest = ''; ;) {
      const isOlder = generation < file.generation;
      const limit = generation === end?.generation ? end.offset : isOlder ? Infinity : file.length;
      const text = reader === undefined ? '' : readText(reader, offset, limit);
      if (text.length > 0) {
        offset += text.length;
        const lines = (rest + text).split('\n');
        rest = lines.pop()!.slice(0, lineCharactersMax);
        yield lines;
        await nextTurn();
      } else if (generation === end?.generation) return;
      else if (isOlder) break;
      else if (!source.isActive()) return;
      else if (!(await changed(source, options))) return;
      if (options.signal.aborted) return;
    }
    generation++;
    offset = 0;
  }
}

/** A line of the log that is not in it. */
function missingEntries(format: LogFormat, untilNs: bigint | undefined): string {
  const now = timeOfEntry();
  const last = untilNs === undefined ? now : rfc3339Ns(untilNs);
  const text = '[estiva] entries are missing here: they were rotated away before this reader came to them\n';
  return Buffer.from(format.encode(Buffer.from(text), 'stderr', now < last ? now : last)).toString('latin1').slice(0, -1);
}

/** Waits for news; false when the options' time is over. */
async function changed(source: LogSource, options: LogOptions): Promise<boolean> {
  const leftMs = options.untilNs === undefined ? undefined : Number(options.untilNs / 1_000_000n) - Date.now();
  if (leftMs !== undefined && leftMs <= 0) return false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = leftMs === undefined ? undefined : setTimeout(resolve, Math.min(leftMs, timeMsMax));
  using _watch = source.watch(resolve);
  options.signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  return true;
}

/** The place of the last `tail` entries before `end` (or before now), found from the back. */
async function findStart(file: LogFile, tail: number | undefined, end: LogPosition | undefined): Promise<LogPosition> {
  const last = end ?? { generation: file.generation, offset: file.length };
  if (tail === 0) return last;
  const oldest = file.generation - file.limits.filesMax + 1;
  let missing = tail ?? Infinity;
  let start = last;
  for (let generation = last.generation; generation >= oldest && missing > 0; generation--) {
    if (tail === undefined) {
      if (file.isKept(generation)) start = { generation, offset: 0 };
      continue;
    }
    using reader = await file.openGeneration(generation);
    if (reader === undefined) continue;
    const size = generation === last.generation ? last.offset : statFd(reader).sizeBytes;
    const found = lineFromBehind(reader, size, missing);
    missing = found.missing;
    start = { generation, offset: found.offset };
  }
  return start;
}

/** The offset of the last `count` lines of the first `size` bytes, and how many of them are not there. */
function lineFromBehind(reader: Fd, size: number, count: number): { readonly offset: number; readonly missing: number } {
  if (size === 0) return { offset: 0, missing: count };
  let missing = count;
  const block = Buffer.allocUnsafe(Math.min(blockBytes, size));
  // Each newline but the very last closes the line before one that is wanted.
  for (let end = size - 1; end > 0;) {
    const start = Math.max(0, end - block.length);
    const bytes = block.subarray(0, call('pread64', reader.number, block, end - start, start));
    for (let at = bytes.lastIndexOf(newline); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(newline, at - 1)) {
      if (--missing === 0) return { offset: start + at + 1, missing: 0 };
    }
    end = start;
  }
  return { offset: 0, missing: missing - 1 };
}

/** As latin1, one character a byte; empty at the limit. */
function readText(reader: Fd, offset: number, limit: number): string {
  const wanted = Math.min(blockBytes, limit - offset);
  if (wanted <= 0) return '';
  if (shared.length === 0) shared = Buffer.allocUnsafeSlow(blockBytes);
  const got = call('pread64', reader.number, shared, wanted, offset);
  return shared.toString('latin1', 0, got);
}

/** For all readers: filled and turned into a string in one go. */
let shared = Buffer.alloc(0);
