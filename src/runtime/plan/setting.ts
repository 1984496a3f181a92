// What a plan needs to know besides the OCI configuration: where things are on this host. All of it data, so that plans stay pure.

export interface OverlayRoot {
  readonly kind: 'overlay';
  /** The layers' parent directory: lower directories are named relative to it, so that many fit the one page that mount(2) takes. */
  readonly layersDir: string;
  /** Absolute or relative to `layersDir`, topmost first. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  readonly mergedDir: string;
  /** Gone with the machine, and so never waited for (kernel/mount.ts). */
  readonly isVolatile?: boolean;
  /**
   * What is sent to whoever launches, through the slot `rootSocket`: the overlay's root, or the namespace of all mounts that the process makes. The end of
   * an overlay writes out the whole file system below it, and two dozen mounts take a while to go: whoever holds them lets processes end without
   * that, and closes them where nobody waits.
   */
  readonly sends?: 'root' | 'mounts';
}

export interface DirectoryRoot {
  readonly kind: 'directory';
  readonly path: string;
  /** Where the mount lies that `path` is in: for a root whose mounts shall spread to the host and back (rootfsPropagation shared). */
  readonly mountPoint?: string | undefined;
  /** True: the root is moved over "/" and entered with chroot, for hosts whose own root cannot be pivoted away from (a ramdisk). */
  readonly withoutPivot?: boolean | undefined;
}

export type Root = OverlayRoot | DirectoryRoot;

/** A mount at the same place in another mount namespace, which a container gets as its own. */
export interface LentMount {
  readonly destination: string;
  /** A file like `/proc/7/ns/mnt`. */
  readonly namespace: string;
}

export type { CgroupJoin } from '../../kernel/index.ts';

/**
 * Names of the slots that whoever launches a plan fills with numbers of its own process: descriptors, and what follows from them. `consoleMessage`
 * is `consoleMaster` again, where it stands in the message; `rootPlace` and `rootMessage` are such a pair for what goes through `rootSocket`; `stdinPipe` is 0 where stdin is a pipe, else -1; `network` is a new network namespace; `belowError` and `aboveError` are the descriptor's neighbours; `born` is the address of a shared page.
 * Of launches apart: `capsule` is the executable that the child becomes, `go` what it waits on for its maker, `turn` what it waits on for `start`, `hookState` what hooks read.
 */
export const slots = { error: 'error', belowError: 'belowError', aboveError: 'aboveError', born: 'born', stdin: 'stdin', stdout: 'stdout', stderr: 'stderr', stdinPipe: 'stdinPipe', network: 'network', rootSocket: 'rootSocket', rootPlace: 'rootPlace', rootMessage: 'rootMessage', consoleSocket: 'consoleSocket', consoleMaster: 'consoleMaster', consoleMessage: 'consoleMessage', init: 'init', ownPidNamespace: 'ownPidNamespace',
  capsule: 'capsule', go: 'go', turn: 'turn', hookState: 'hookState' } as const;

/** Names of the spaces that a launched plan leaves its findings in: the new process's pid and pidfd, as 32-bit numbers. */
export const spaces = { pid: 'pid', pidfd: 'pidfd' } as const;
