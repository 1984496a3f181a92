// A directory as the context of a build: what is in it, by name, without what its ignore file names. Nothing is read of what stays behind, and of what
// comes along only what lstat says; names are bytes. Sockets have no place in an image and are left out, as Docker does.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { fail } from '../../base/index.ts';
import { parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import type { ContextEntry, ContextKind } from '../../spec/estiva/build-context.ts';
import { byteString, byteStringOf, type ByteString } from '../../spec/tar/index.ts';
import { deviceOf, kindOf } from '../local-file.ts';

export interface WalkedEntry extends ContextEntry {
  /** On this machine; or what it has in it, for what lies in no directory. */
  readonly place: Buffer | { readonly content: Buffer };
}

/** What of a directory stays behind; `inside`: it does, but not all that is in it. */
export type LeaveOut = (path: string, isDirectory: boolean) => 'no' | 'yes' | 'inside';

/** What an ignore file means; the files that the build itself needs are always there. */
export function leaveOut(ignoreText: string, needed: ReadonlySet<string>): LeaveOut {
  const ignored = parseIgnoreFile(ignoreText);
  if (ignored.rules.length === 0) return () => 'no';
  const neededBelow = (path: string): boolean => [...needed].some((name) => name.startsWith(`${path}/`));
  return (path, isDirectory) => {
    if (needed.has(path) || !ignored.ignores(path)) return 'no';
    return isDirectory && (ignored.hasExceptions || neededBelow(path)) ? 'inside' : 'yes';
  };
}

/** Each directory before what is in it. @throws `invalid` naming what cannot be read */
export function* walkContext(root: string, leavesOut: LeaveOut): Generator<WalkedEntry, void, undefined> {
  yield* below(Buffer.from(root), byteString(''), { leavesOut, settledBefore: BigInt(Date.now()) * 1_000_000n - settledNs, onTheWay: [] });
}

/** A file that the context has besides its directory. */
export function textEntry(path: string, text: string): WalkedEntry {
  const content = Buffer.from(text);
  return {
    path: byteStringOf(Buffer.from(path)), place: { content }, kind: 'file', mode: 0o644, sizeBytes: content.length, mtimeSeconds: 0, mtimeNanoseconds: 0, link: byteString(''), device: { major: 0, minor: 0 },
    stamp: `text:${createHash('sha256').update(content).digest('hex')}`, isSettled: true,
  };
}

interface Walk {
  readonly leavesOut: LeaveOut;
  /** In nanoseconds since 1970. */
  readonly settledBefore: bigint;
  /** Directories that are left out themselves, and told of when something in them is not. */
  readonly onTheWay: WalkedEntry[];
}

/** Clocks of file systems may be as coarse as FAT's: who was changed later than this before the walk may change again, and look the same. */
const settledNs = 2_000_000_000n;
const nothing = byteString('');
const slash = Buffer.from('/');

function* below(directory: Buffer, prefix: string, walk: Walk): Generator<WalkedEntry, void, undefined> {
  const names = said('open', directory, () => readdirSync(directory, { encoding: 'buffer' })).sort((a, b) => Buffer.compare(a, b));
  for (const name of names) {
    const path = `${prefix}${byteStringOf(name)}` as ByteString;
    const place = Buffer.concat([directory, slash, name]);
    // What vanishes meanwhile was not there.
    const stat = said('lstat', place, () => lstatSync(place, { bigint: true, throwIfNoEntry: false }));
    const kind = stat === undefined ? undefined : kindOf(stat);
    if (stat === undefined || kind === undefined) continue;
    const fate = walk.leavesOut(textOf(path), kind === 'directory');
    if (fate === 'yes') continue;
    const entry = entryOf(path, place, kind, stat, walk.settledBefore);
    if (fate === 'no') {
      yield* walk.onTheWay.splice(0);
      yield entry;
    } else walk.onTheWay.push(entry);
    if (kind === 'directory') yield* below(place, `${path}/`, walk);
    if (walk.onTheWay.at(-1) === entry) walk.onTheWay.pop();
  }
}

function entryOf(path: ByteString, place: Buffer, kind: ContextKind, stat: BigIntStats, settledBefore: bigint): WalkedEntry {
  return {
    path, place, kind, mode: Number(stat.mode) & 0o7777, sizeBytes: kind === 'file' ? Number(stat.size) : 0,
    mtimeSeconds: Number(stat.mtimeNs / 1_000_000_000n), mtimeNanoseconds: Number(stat.mtimeNs % 1_000_000_000n),
    link: kind === 'symlink' ? byteStringOf(said('readlink', place, () => readlinkSync(place, { encoding: 'buffer' }))) : nothing,
    device: kind === 'char' || kind === 'block' ? deviceOf(stat.rdev) : { major: 0, minor: 0 },
    stamp: stampOf(stat), isSettled: stat.ctimeNs < settledBefore,
  };
}

/** Changes whenever the file does: the kernel sets ctime with every change, and nobody can set it back. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

// eslint-disable-next-line no-control-regex -- the point is exactly which bytes are ASCII
const asciiOnly = /^[\x01-\x7f]*$/;

/** As patterns see it. */
function textOf(path: ByteString): string {
  return asciiOnly.test(path) ? path : Buffer.from(path, 'latin1').toString('utf8');
}

/** @throws `invalid` with what a call on a file of this machine failed with, in Docker's form */
export function said<T>(call: string, path: Buffer, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    throw fail('invalid', `Cannot read the build context: ${call} ${path.toString()}: ${getSystemErrorMessage(errno)}`, { hint: 'Name it in .dockerignore if the build does not need it', cause: error });
  }
}
