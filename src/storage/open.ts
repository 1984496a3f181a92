// Opens a data root: its directories, its one lock, its rooms; clears away what a crash left.
import { mkdirSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fail, isFail, messageOf } from '../base/index.ts';
import { CacheDirectories } from './cache-directories.ts';
import { openContent } from './content.ts';
import { ContextDirectories } from './context-trees.ts';
import { explainDiskFull } from './disk-full.ts';
import { lockRoot } from './lock.ts';
import { makeOwnDirectory } from './own-directory.ts';
import { openRecords } from './records.ts';
import { LayerSnapshots } from './snapshots.ts';
import { openSpool } from './spool.ts';
import type { Storage } from './storage.ts';
import { VolumeDirectories } from './volume-trees.ts';

export interface StorageOptions {
  /** Absolute. Made when it is not there. */
  readonly rootDir: string;
  /** Hears of what could not be removed in the background; the next start tries again. */
  readonly onTrouble?: (error: unknown) => void;
}

/** @throws `conflict` when another engine has the root; `internal` when it cannot be used. */
export async function openStorage({ rootDir, onTrouble = () => undefined }: StorageOptions): Promise<Storage> {
  if (!isAbsolute(rootDir)) throw fail('invalid', `The data root must be an absolute path: ${JSON.stringify(rootDir)}`);
  makeDirectories(rootDir);
  using opened = new DisposableStack();
  opened.use(lockRoot(rootDir));
  const records = opened.use(openRecords(`${rootDir}/estiva.db`));
  const snapshots = opened.use(new LayerSnapshots(rootDir, records, onTrouble));
  snapshots.sweep();
  const volumes = opened.use(new VolumeDirectories(rootDir, snapshots.trash));
  const caches = opened.use(new CacheDirectories(rootDir, snapshots.trash));
  const contexts = opened.use(new ContextDirectories(rootDir, snapshots.trash));
  const all = opened.move();
  return {
    rootDir, records, snapshots, volumes, caches, contexts,
    containerDir: (id) => `${rootDir}/containers/${id}`,
    content: openContent(rootDir, snapshots.trash),
    openSpool: () => openSpool(rootDir),
    // eslint-disable-next-line typescript/require-await -- closing is synchronous; the shape is for all resources
    [Symbol.asyncDispose]: async () => all.dispose(),
  };
}

/** Nothing below the root is for other users of the machine: it and its rooms are 0710 (promise T25), where a container's files could be theirs. */
function makeDirectories(rootDir: string): void {
  try {
    makeOwnDirectory(rootDir, 0o710);
    for (const name of ['tmp', 'blobs', 'blobs/sha256', 'layers', 'frames', 'containers', 'merged', 'caches', 'contexts']) mkdirSync(`${rootDir}/${name}`, { recursive: true, mode: 0o700 });
    // As in Docker: who knows a volume's name may go there.
    mkdirSync(`${rootDir}/volumes`, { recursive: true, mode: 0o701 });
  } catch (error) {
    const explained = explainDiskFull(error, rootDir);
    if (explained !== error || isFail(error, 'denied')) throw explained;
    throw fail('internal', `Cannot make the data root ${JSON.stringify(rootDir)}: ${messageOf(error)}`, { hint: 'Choose another one with --root or ESTIVA_ROOT', cause: error });
  }
}
