// What ADD has beyond COPY: files of the web, repositories, and archives that are unpacked.
import { fail, isFail, parseDigest, type Digest } from '../../base/index.ts';
import { wrong, type Add } from '../../spec/dockerfile/index.ts';
import { byteString } from '../../spec/tar/index.ts';
import { isArchive } from './archive.ts';
import { absoluteDestination } from './copy.ts';
import { parseCommit, parseRemote, type RemoteAddress } from './remote/address.ts';
import { fetchedName } from './remote/fetcher.ts';
import { findSources, type FindOptions, type Source, type SourceTree } from './sources.ts';
import type { StepRoom } from './work.ts';

/** A file that came over the network is left as it is, unless the instruction says otherwise. */
export interface AddedSource extends Source {
  readonly isFetched?: boolean;
}

export async function addedSources(instruction: Add, options: FindOptions, room: StepRoom): Promise<readonly AddedSource[]> {
  const { sources } = instruction;
  const remotes = sources.map(parseRemote);
  checkFlags(instruction, remotes);
  const found: AddedSource[] = [];
  for (const [i, written] of sources.entries()) {
    const remote = remotes[i];
    if (remote === undefined) found.push(...await findSources(await room.treeOf(undefined), written, options));
    else if (remote.kind === 'http') found.push(await fetchedFile(remote.url, instruction, room));
    else {
      const commit = instruction.checksum === undefined ? remote.commit : parseCommit(instruction.checksum);
      const layer = await room.fetcher.repository({ ...remote, commit }, { keepsGitDir: instruction.keepGitDir === true });
      found.push(...await findSources(treeOfLayer(layer, room), '.', options));
    }
  }
  return found;
}

/** In BuildKit's words. */
function checkFlags({ checksum, keepGitDir, sources, inline }: Add, remotes: readonly (RemoteAddress | undefined)[]): void {
  if (checksum !== undefined && sources.length + inline.length > 1) throw wrong("checksum can't be specified for multiple sources", 'Write an ADD for each of them');
  if (checksum !== undefined && remotes[0] === undefined) throw wrong('checksum requires HTTP(S) or Git sources');
  if (keepGitDir === true && !remotes.some((remote) => remote?.kind === 'git')) throw wrong('--keep-git-dir is for git repositories, and there is none among the sources');
}

/** BuildKit's name for what has none, which only shows where the destination turns out to be a directory. */
const unnamed = '__unnamed__';

async function fetchedFile(url: URL, { checksum, destination }: Add, room: StepRoom): Promise<AddedSource> {
  const { layer, name = unnamed } = await room.fetcher.file(url, checksum === undefined ? undefined : sha256In(checksum));
  if (name === unnamed && absoluteDestination(destination, '').endsWith('/')) throw fail('invalid', `cannot determine filename for source ${url.origin}${url.pathname}`, { hint: 'Write the whole destination, with the name of the file' });
  const [file] = await findSources(treeOfLayer(layer, room), fetchedName, { exclude: { rules: [], hasExceptions: false, ignores: () => false }, opened: room.opened, signal: room.signal });
  return { isFetched: true, isDirectory: false, entries: file!.entries.map((entry) => ({ ...entry, path: byteString(name) })) };
}

function treeOfLayer(layer: Digest, { storage, opened }: StepRoom): SourceTree {
  return { root: opened.use(storage.snapshots.openFiles([layer])), hides: () => false, isContext: false };
}

function sha256In(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    if (isFail(error)) throw wrong(`invalid checksum: ${JSON.stringify(text.slice(0, 100))}`, 'Of a file it is sha256: and 64 hex digits');
    throw error;
  }
}

/** Archives of the context are unpacked, those from elsewhere are not; --unpack says it for both. */
export async function archivesOf({ unpack }: Add, sources: readonly AddedSource[]): Promise<ReadonlySet<Source>> {
  const archives = new Set<Source>();
  for (const source of sources) {
    const [entry] = source.entries;
    if (source.isDirectory || entry === undefined || !(unpack ?? source.isFetched !== true)) continue;
    if (await isArchive(entry)) archives.add(source);
  }
  return archives;
}
