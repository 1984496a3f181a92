// What lies in an unpacked layer, entry by entry, in the order of a walk: a directory before what is in it. overlayfs's marks are read as what they
// say: a character device 0:0 takes away what the layers below have there, an opaque directory all that they have in it.
import { createHash } from 'node:crypto';
import { call, O, openIn, readLinkIn, S, statIn, type Fd, type FileStat } from '../kernel/index.ts';
import type { Digest } from '../base/index.ts';
import { byteStringOf, type ByteString } from '../spec/tar/index.ts';
import { readAttributes } from './attributes.ts';
import { allEntriesIn } from './listing.ts';
import { nameArgument } from './names.ts';
import { Turn } from './turn.ts';

export type SurveyedKind = 'file' | 'directory' | 'link' | 'device' | 'pipe' | 'socket' | 'whiteout';

export interface SurveyedEntry {
  /** From the root, without a slash before it. */
  readonly path: ByteString;
  readonly kind: SurveyedKind;
  /** A directory that hides what the layers below have in it. */
  readonly isOpaque: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file. A further name of a file that came before has 0. */
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Where a link points; the first name of a file that has several. */
  readonly target: ByteString | undefined;
}

const kinds: ReadonlyMap<number, SurveyedKind> = new Map([
  [S.IFREG, 'file'], [S.IFDIR, 'directory'], [S.IFLNK, 'link'], [S.IFCHR, 'device'], [S.IFBLK, 'device'], [S.IFIFO, 'pipe'], [S.IFSOCK, 'socket'],
]);

/** Nobody changes a layer, so there is no race to lose; links are not followed all the same. @throws KernelError */
export async function surveyTree(top: Fd): Promise<readonly SurveyedEntry[]> {
  const entries: SurveyedEntry[] = [];
  const firstNames = new Map<bigint, ByteString>();
  const turn = new Turn();
  await inDirectory(top, '');
  return entries;

  async function inDirectory(dir: Fd, prefix: string): Promise<void> {
    for (const { name } of allEntriesIn(dir).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const found = statIn(dir, nameArgument(name));
      if (found === undefined) continue;
      await one(dir, name, `${prefix}${name}` as ByteString, found);
      await turn.yield();
    }
  }

  async function one(dir: Fd, name: ByteString, path: ByteString, found: FileStat): Promise<void> {
    const kind = kindOf(found);
    if (kind !== 'directory') {
      entries.push(entryOf(path, kind, found, kind === 'link' ? byteStringOf(readLinkIn(dir, nameArgument(name))) : firstNameOf(path, kind, found)));
      return;
    }
    using opened = openIn(dir, nameArgument(name), O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain');
    entries.push({ ...entryOf(path, kind, found, undefined), isOpaque: readAttributes(opened).isOpaque });
    await inDirectory(opened, `${path}/`);
  }

  function firstNameOf(path: ByteString, kind: SurveyedKind, { inode, links }: FileStat): ByteString | undefined {
    if (kind !== 'file' || links === 1) return undefined;
    const first = firstNames.get(inode);
    if (first === undefined) firstNames.set(inode, path);
    return first;
  }
}

function kindOf(found: FileStat): SurveyedKind {
  const kind = kinds.get(found.mode & S.IFMT) ?? 'file';
  return kind === 'device' && (found.mode & S.IFMT) === S.IFCHR && found.deviceMajor === 0 && found.deviceMinor === 0 ? 'whiteout' : kind;
}

function entryOf(path: ByteString, kind: SurveyedKind, { mode, uid, gid, sizeBytes, mtimeSeconds, mtimeNanoseconds }: FileStat, target: ByteString | undefined): SurveyedEntry {
  return {
    path, kind, isOpaque: false, mode: mode & 0o7777, uid, gid, target, mtimeMs: mtimeSeconds * 1000 + Math.floor(mtimeNanoseconds / 1e6),
    sizeBytes: kind === 'file' && target === undefined ? sizeBytes : 0,
  };
}

const pieceBytes = 256 * 1024;

/** The digest of a file's content. @throws KernelError */
export async function digestFile(top: Fd, path: ByteString): Promise<Digest> {
  using file = openIn(top, nameArgument(path), O.RDONLY | O.NOFOLLOW, 'plain');
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(pieceBytes);
  const turn = new Turn();
  for (let at = 0, got = 1; got > 0; at += got) {
    got = call('pread64', file.number, piece, piece.length, at);
    hash.update(piece.subarray(0, got));
    await turn.yield();
  }
  return `sha256:${hash.digest('hex')}` as Digest;
}
