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
}

export interface DirectoryRoot {
  readonly kind: 'directory';
  readonly path: string;
}

export type Root = OverlayRoot | DirectoryRoot;

/** The cgroup that the process joins before anything else, and how it is shown inside. */
export type CgroupJoin =
  | {
      readonly version: 1;
      /** Files that take "0" to move the writer: `…/memory/estiva/<id>/tasks`. */
      readonly taskFiles: readonly string[];
      /** `memory` → `memory`, `systemd` → `none,name=systemd`: the directory under /sys/fs/cgroup and the mount's options. */
      readonly hierarchies: readonly { readonly name: string; readonly options: string }[];
    }
  | { readonly version: 2; readonly procsFile: string };

/** Names of the slots that whoever launches a plan fills with descriptors of its own process. */
export const slots = { error: 'error', stdin: 'stdin', stdout: 'stdout', stderr: 'stderr', consoleSocket: 'consoleSocket', consoleMaster: 'consoleMaster', init: 'init', ownPidNamespace: 'ownPidNamespace' } as const;

/** Names of the spaces that a launched plan leaves its findings in: the new process's pid and pidfd, as 32-bit numbers. */
export const spaces = { pid: 'pid', pidfd: 'pidfd' } as const;
