// The verbs that look into a container's files, or put files there. Whether it runs makes no difference to whoever calls.
//
// What they see is what Docker shows: the root file system, with the engine's hosts, hostname and resolv.conf and the container's volumes and binds upon
// it, and nothing else that is mounted in the container (no /proc, no tmpfs). Paths are the container's: links in them lead within it.
import type { Digest } from '../base/index.ts';
import type { PackedTar } from '../storage/index.ts';
import type { ContainerConfig } from '../spec/docker/container.ts';

/** What is at a path. A symbolic link is told of itself. */
export interface PathStat {
  /** The path's last component: `.` and `/` for paths that end so. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Type and permission bits, as Linux has them. */
  readonly mode: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Where a link leads to in the end, as an absolute path in the container; else empty. */
  readonly linkTarget: string;
}

export interface PathArchive extends PackedTar {
  readonly stat: PathStat;
}

export interface WriteArchiveOptions {
  /** Neither a directory in the place of something else, nor the reverse. */
  readonly keepsKinds: boolean;
  /** Everything becomes the container's user's. */
  readonly asUser: boolean;
  readonly signal: AbortSignal;
}

export interface FileChange {
  /** Absolute, in the container. */
  readonly path: string;
  readonly kind: 'modified' | 'added' | 'deleted';
}

export interface CommitOptions {
  readonly author: string;
  readonly message: string;
  /** Whether a running container stands still meanwhile. */
  readonly pause: boolean;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** `repo[:tag]`; undefined: the image gets no name. */
  readonly reference: string | undefined;
  /** In the place of the container's configuration; what it leaves open comes from there. */
  readonly config: ContainerConfig | undefined;
  readonly signal: AbortSignal;
}

/** @throws as Containers; `not_found` "Could not find the file x in container y"; `invalid` for a path through something that is no directory. */
export interface FileVerbs {
  statPath(idOrName: string, path: string): Promise<PathStat>;
  /** The tar of what is at `path`, a directory with all in it. With "/." at the end its members are named from "./" on. */
  readArchive(idOrName: string, path: string): Promise<PathArchive>;
  /** Unpacks a tar (plain, gzip or zstd) into the directory `path`. @throws `invalid` for a broken tar, or one that would leave the directory. */
  writeArchive(idOrName: string, path: string, tar: AsyncIterable<Uint8Array>, options: WriteArchiveOptions): Promise<void>;
  /** What differs from the image, ordered by path. */
  changes(idOrName: string): Promise<readonly FileChange[]>;
  /** The tar of the whole root file system, without what is mounted upon it. */
  exportRoot(idOrName: string): Promise<PackedTar>;
  /** Makes an image of what the container changed, on top of the image that it was made from. */
  commit(idOrName: string, options: CommitOptions): Promise<Digest>;
}
