// A volume as a tar, out and in. What comes in is unpacked under tmp/ and takes its place in one step.
import { fail } from '../base/index.ts';
import { decompress } from '../spec/compression.ts';
import { byteString } from '../spec/tar/index.ts';
import { pack, unpackInto, type PackedTar } from '../storage/index.ts';
import { checkIsStill, checkOwn } from './copies.ts';
import { holdExisting, openReading } from './reading.ts';
import { alone, type Room } from './room.ts';

/** The tar must be disposed: until then nobody removes the volume. */
export async function exportVolume(room: Room, name: string): Promise<PackedTar> {
  await using opened = new AsyncDisposableStack();
  const { files } = opened.use(await openReading(room, name));
  const tar = opened.use(pack({ what: 'directory', dir: files.duplicate(), as: byteString('./'), form: 'tree' }));
  const all = opened.move();
  return { bytes: tar.bytes, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export interface ImportOptions {
  /** The files that are there go. Without it the volume must be empty. */
  readonly replaces: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** @throws `conflict` when it has files, or is in use; `invalid` for an archive that is none */
export async function importVolume(room: Room, name: string, tar: AsyncIterable<Uint8Array>, { replaces, signal }: ImportOptions): Promise<void> {
  const { trees } = room;
  const check = (): void => {
    if (!replaces && !trees.isEmpty(name)) throw fail('conflict', `Cannot import into volume ${name}: it has files`, { hint: 'Import into a new one, or --replace them' });
    checkIsStill(room, name);
  };
  checkOwn(room, name, 'An import is into files that the engine keeps');
  check();
  using _hold = await holdExisting(room, name);
  using draft = trees.draft();
  await unpackInto(draft.data.duplicate(), decompress(tar), { keepsKinds: true, owner: undefined, includesTop: true }, trees.pathOf(name), signal);
  await alone(room, name, async () => {
    check();
    draft.becomeDataOf(name);
  });
}
