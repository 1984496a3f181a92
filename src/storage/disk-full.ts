// A full disk, from whichever call it comes (a system call, node:fs, SQLite), becomes one sentence: the path, and how much is free.
import { statfsSync } from 'node:fs';
import { fail } from '../base/index.ts';

const SQLITE_FULL = 13;

/** What to throw for `error`, met while writing to `path`: the foreseen error for a full disk, else `error` itself. */
export function explainDiskFull(error: unknown, path: string): unknown {
  if (!isDiskFull(error)) return error;
  return fail('internal', `Cannot write to ${JSON.stringify(path)}: no space left on device (${freeBytes(path).toLocaleString('en')} bytes free)`, {
    hint: 'Free some space there and try again: nothing was changed', cause: error,
  });
}

export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // An explained one is still one.
  if (error.cause !== undefined && isDiskFull(error.cause)) return true;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || errcode === SQLITE_FULL;
}

/** Bytes that may still be written to the filesystem of `path`. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
