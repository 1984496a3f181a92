// A kept tree becomes what the client has. What goes is taken away first, what comes goes the way of every archive that is unpacked: in a worker, through
// held directories, files replaced and never written in place.
import { createHash } from 'node:crypto';
import { fail } from '../../base/index.ts';
import { AT_REMOVEDIR, call, O, openIn, setTimes, type Fd } from '../../kernel/index.ts';
import type { ContextEntry } from '../../spec/estiva/build-context.ts';
import { tarHeader, writeTar, type TarMember } from '../../spec/tar/index.ts';
import { nameArgument, Turn, unpackInto } from '../../storage/index.ts';
import { parentOf } from './offer.ts';
import type { ParcelReader } from './parcel.ts';
import { writtenRows, type KeptEntry, type Known, type Plan } from './plan.ts';

export interface Writing {
  readonly root: Fd;
  /** For sentences about a full disk. */
  readonly rootPath: string;
  readonly offered: readonly ContextEntry[];
  readonly known: Known;
  readonly plan: Plan;
  /** Undefined: no content comes. */
  readonly parcel: ParcelReader | undefined;
  readonly signal: AbortSignal;
}

/** Gives what is known of the tree then. @throws `invalid` for a parcel that is not what was asked for: the tree is neither the one nor the other then */
export async function writeTree(writing: Writing): Promise<Known> {
  const { root, rootPath, offered, known, plan, parcel, signal } = writing;
  const sent = checkRows(await parcel?.rows() ?? [], plan);
  const turn = new Turn();
  for (const { path, kind } of plan.gone) {
    inParent(root, path, (dir, name) => call('unlinkat', dir.number, name, kind === 'directory' ? AT_REMOVEDIR : 0));
    await turn.yield();
  }
  const arrived = new Map<number, string>();
  const members = membersOf(writing, writtenRows(offered, plan, sent), arrived);
  await unpackInto(openIn(root, '.', O.RDONLY | O.DIRECTORY, 'plain'), writeTar(members), { keepsKinds: false, owner: { uid: 0, gid: 0 } }, rootPath, signal);
  const unsettled = new Set(await parcel?.unsettled() ?? []);
  const stayed = new Set(plan.doubtful.filter((row) => !arrived.has(row)));
  for (const row of stayed) describe(root, offered[row]!);
  return new Map(offered.map((entry, row): [string, KeptEntry] => [entry.path, { ...entry, isSettled: entry.isSettled && !unsettled.has(row), sha256: entry.kind === 'file' ? arrived.get(row) ?? known.get(entry.path)!.sha256 : '' }]));
}

/** All that is wanted, nothing that was not asked for, in the order of the offer. */
function checkRows(rows: readonly number[], { wanted, doubtful }: Plan): readonly number[] {
  const allowed = new Set([...wanted, ...doubtful]);
  const sent = new Set(rows);
  const isAscending = rows.every((row, i) => i === 0 || rows[i - 1]! < row);
  if (!isAscending || rows.some((row) => !allowed.has(row)) || wanted.some((row) => !sent.has(row))) throw fail('invalid', 'The parcel of the context has other files than were asked for');
  return rows;
}

async function* membersOf({ offered, parcel }: Writing, rows: readonly number[], arrived: Map<number, string>): AsyncGenerator<TarMember, void, undefined> {
  for (const row of rows) {
    const { path, kind, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, link, device } = offered[row]!;
    const name = kind === 'directory' ? `${path}/` : path;
    const header = { ...tarHeader({ type: kind, path: '' }), path: name as typeof path, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, linkPath: link, deviceMajor: device.major, deviceMinor: device.minor };
    if (kind !== 'file') yield { header };
    else {
      const hash = createHash('sha256');
      yield { header, data: hashing(parcel!.content(sizeBytes), hash) };
      arrived.set(row, hash.digest('hex'));
    }
  }
}

async function* hashing(pieces: AsyncIterable<Uint8Array>, hash: { update(bytes: Uint8Array): unknown }): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/** A file whose content stayed gets the mode and the time that it has now. */
function describe(root: Fd, { path, mode, mtimeSeconds, mtimeNanoseconds }: ContextEntry): void {
  inParent(root, path, (dir, name) => {
    using file = openIn(dir, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK, 'plain');
    call('fchmod', file.number, mode);
    setTimes(file, { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds });
  });
}

function inParent(root: Fd, path: ContextEntry['path'], work: (dir: Fd, name: string | Buffer) => void): void {
  const parent = parentOf(path);
  using dir = openIn(root, parent === '' ? '.' : nameArgument(parent as typeof path), O.RDONLY | O.DIRECTORY, 'plain');
  work(dir, nameArgument((parent === '' ? path : path.slice(parent.length + 1)) as typeof path));
}
