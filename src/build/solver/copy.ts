// COPY and ADD as the tar of a layer: the directories on the way, then the files, each where it belongs. Nothing is run for it.
import { posix } from 'node:path';
import { fail } from '../../base/index.ts';
import type { Fd } from '../../kernel/index.ts';
import { byteString, tarHeader, writeTar, type ByteString, type TarHeader, type TarMember } from '../../spec/tar/index.ts';
import { archiveMembers, type ArchiveSource } from './archive.ts';
import { piecesOf } from './digest.ts';
import type { ModeChange } from './mode.ts';
import { directoriesTo, findPlace, isDirectory, type Place } from './place.ts';
import type { Source, SourceEntry } from './sources.ts';
import { refuseWhiteout } from './whiteout.ts';

export interface CopyPlan {
  readonly keyword: 'COPY' | 'ADD';
  readonly sources: readonly Source[];
  readonly inline: readonly { readonly name: string; readonly content: string }[];
  /** Archives of ADD, which are unpacked. */
  readonly archives: readonly ArchiveSource[];
  /** Absolute; with a slash at the end where it is written as a directory. */
  readonly destination: string;
  /** Undefined: as at the source (COPY --from), or root's. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly keepsOwners: boolean;
  /** Of --chmod. */
  readonly changeMode: ModeChange | undefined;
  /** For what is made, and the latest that any time may be. */
  readonly nowSeconds: number;
  readonly latestSeconds: number | undefined;
  readonly signal: AbortSignal;
}

/** `root`: the files that are there. The same plan gives the same bytes. @throws `invalid` in dockerd's words */
export function layerTarOf(plan: CopyPlan, root: Fd): AsyncIterable<Uint8Array> {
  return writeTar(members(plan, root));
}

/** @throws when several things go to one name */
export function checkDestination({ keyword, sources, inline, archives, destination }: Pick<CopyPlan, 'keyword' | 'sources' | 'inline' | 'archives' | 'destination'>): void {
  const count = sources.length + inline.length + archives.length;
  if (count === 0) throw fail('invalid', `${keyword} failed: no source files were specified`, { hint: 'No file fits the pattern' });
  if (count > 1 && !isWrittenAsDirectory(destination)) throw fail('invalid', `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`);
}

/** Where a destination is, before anybody has looked. */
export function absoluteDestination(destination: string, workingDir: string): string {
  const absolute = posix.resolve('/', workingDir, destination);
  return /(^|\/)\.{0,2}$/.test(destination) && absolute !== '/' ? `${absolute}/` : absolute;
}

function isWrittenAsDirectory(destination: string): boolean {
  return destination.endsWith('/');
}

interface Target {
  readonly directory: Place;
  /** Of a single file that goes by another name. */
  readonly rename: ByteString | undefined;
}

function targetOf({ sources, inline, destination }: CopyPlan, root: Fd): Target {
  const place = findPlace(root, destination);
  const goesInside = isWrittenAsDirectory(destination) || (place.stat !== undefined && isDirectory(place.stat));
  const isOneFile = sources.length + inline.length === 1 && sources.every((source) => !source.isDirectory);
  if (isOneFile && !goesInside) {
    const parts = place.parts.slice(0, -1);
    return { directory: { parts, existing: Math.min(place.existing, parts.length), stat: undefined }, rename: place.parts.at(-1)! };
  }
  if (place.stat !== undefined && !isDirectory(place.stat)) throw fail('invalid', `cannot copy to non-directory: ${posix.resolve(destination)}`);
  return { directory: place, rename: undefined };
}

async function* members(plan: CopyPlan, root: Fd): AsyncGenerator<TarMember, void, undefined> {
  const { owner = { uid: 0, gid: 0 }, nowSeconds, latestSeconds, signal } = plan;
  const { directory, rename } = targetOf(plan, root);
  const clamp = (header: TarHeader): TarHeader => latestSeconds !== undefined && header.mtimeSeconds >= latestSeconds ? { ...header, mtimeSeconds: latestSeconds, mtimeNanoseconds: 0 } : header;
  // Of a single file, the owner is the file's alone; what comes out of an archive has its own.
  const directoryOwner = rename === undefined && plan.sources.length + plan.inline.length > 0 ? owner : { uid: 0, gid: 0 };
  for (const header of directoriesTo(root, directory, { owner: directoryOwner, seconds: nowSeconds })) yield { header: clamp(header) };
  const prefix = directory.parts.length === 0 ? '' : `${directory.parts.join('/')}/`;
  const entries = new Map<string, Entry>();
  const put = (name: string, entry: Entry): void => void entries.set(`${prefix}${rename ?? name}`, entry);
  for (const source of plan.sources) for (const entry of source.entries) put(entry.path, { ...headerOf(entry, plan), entry });
  for (const { name, content } of plan.inline) put(byteString(name), { header: { ...tarHeader({ type: 'file', path: '', mtimeSeconds: nowSeconds, mode: plan.changeMode?.(0o644, false) ?? 0o644, ...owner }), sizeBytes: Buffer.byteLength(content) }, content });
  for (const path of [...entries.keys()].sort()) {
    signal.throwIfAborted();
    yield* memberOf(path, entries.get(path)!, clamp);
  }
  for (const archive of plan.archives) for await (const { header, data } of archiveMembers(archive, prefix, signal)) yield { header: clamp(header), ...data === undefined ? {} : { data } };
}

type Entry = { readonly header: TarHeader } & ({ readonly entry: SourceEntry } | { readonly content: string });

export function headerOf({ type, stat, linkPath, xattrs }: SourceEntry, { owner, keepsOwners, changeMode }: Pick<CopyPlan, 'owner' | 'keepsOwners' | 'changeMode'>): { readonly header: TarHeader } {
  const { uid, gid } = owner ?? (keepsOwners ? stat : { uid: 0, gid: 0 });
  const device = type === 'char' || type === 'block' ? { deviceMajor: stat.deviceMajor, deviceMinor: stat.deviceMinor } : {};
  return {
    header: {
      ...tarHeader({ type, path: '' }), mode: type === 'symlink' ? 0o777 : changeMode?.(stat.mode & 0o7777, type === 'directory') ?? stat.mode & 0o7777, uid, gid, linkPath, xattrs, ...device,
      sizeBytes: type === 'file' ? stat.sizeBytes : 0, mtimeSeconds: stat.mtimeSeconds, mtimeNanoseconds: stat.mtimeNanoseconds,
    },
  };
}

export function* memberOf(path: string, entry: Entry, clamp: (header: TarHeader) => TarHeader): Generator<TarMember, void, undefined> {
  refuseWhiteout(path as ByteString);
  const header = clamp({ ...entry.header, path: (entry.header.type === 'directory' ? `${path}/` : path) as ByteString });
  if ('content' in entry) yield { header, data: [Buffer.from(entry.content)] };
  else if (header.type !== 'file') yield { header };
  else {
    using file = entry.entry.open();
    yield { header, data: piecesOf(file, header.sizeBytes) };
  }
}
