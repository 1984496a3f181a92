// Mount flags by name, as mount(8) and the OCI runtime spec write them. Source: linux/mount.h, mount(2), mount_setattr(2).
import { fail } from '../base/index.ts';

export const MS = {
  RDONLY: 1, NOSUID: 2, NODEV: 4, NOEXEC: 8, SYNCHRONOUS: 16, REMOUNT: 32, MANDLOCK: 64, DIRSYNC: 128, NOSYMFOLLOW: 256, NOATIME: 1024, NODIRATIME: 2048,
  BIND: 4096, MOVE: 8192, REC: 16384, SILENT: 32768, UNBINDABLE: 1 << 17, PRIVATE: 1 << 18, SLAVE: 1 << 19, SHARED: 1 << 20, RELATIME: 1 << 21,
  I_VERSION: 1 << 23, STRICTATIME: 1 << 24, LAZYTIME: 1 << 25,
} as const;

export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;
export const AT_RECURSIVE = 0x8000;
export const AT_EMPTY_PATH = 0x1000;
export const OPEN_TREE_CLONE = 1;
export const OPEN_TREE_CLOEXEC = 0o2000000;
export const MOVE_MOUNT_F_EMPTY_PATH = 4;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;

/** Bits of mount_setattr(2). The three ways of keeping access times are one field, whose zero is relatime. */
const ATTR = {
  RDONLY: 0x1, NOSUID: 0x2, NODEV: 0x4, NOEXEC: 0x8, ATIME: 0x70, NOATIME: 0x10, STRICTATIME: 0x20, NODIRATIME: 0x80, IDMAP: 0x100000, NOSYMFOLLOW: 0x200000,
} as const;

/** Options that set or clear a flag of mount(2). */
const flagOptions: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  defaults: [0, 0], ro: [MS.RDONLY, 0], rw: [0, MS.RDONLY], nosuid: [MS.NOSUID, 0], suid: [0, MS.NOSUID], nodev: [MS.NODEV, 0], dev: [0, MS.NODEV],
  noexec: [MS.NOEXEC, 0], exec: [0, MS.NOEXEC], sync: [MS.SYNCHRONOUS, 0], async: [0, MS.SYNCHRONOUS], dirsync: [MS.DIRSYNC, 0], mand: [MS.MANDLOCK, 0],
  nomand: [0, MS.MANDLOCK], noatime: [MS.NOATIME, 0], atime: [0, MS.NOATIME], nodiratime: [MS.NODIRATIME, 0], diratime: [0, MS.NODIRATIME],
  relatime: [MS.RELATIME, 0], norelatime: [0, MS.RELATIME], strictatime: [MS.STRICTATIME, 0], nostrictatime: [0, MS.STRICTATIME],
  nosymfollow: [MS.NOSYMFOLLOW, 0], symfollow: [0, MS.NOSYMFOLLOW], iversion: [MS.I_VERSION, 0], noiversion: [0, MS.I_VERSION], remount: [MS.REMOUNT, 0],
  lazytime: [MS.LAZYTIME, 0], nolazytime: [0, MS.LAZYTIME], silent: [MS.SILENT, 0], loud: [0, MS.SILENT], bind: [MS.BIND, 0], rbind: [MS.BIND | MS.REC, 0],
};

/** Options for a mount and all below it. */
const recursiveOptions: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  rro: [ATTR.RDONLY, 0], rrw: [0, ATTR.RDONLY], rnosuid: [ATTR.NOSUID, 0], rsuid: [0, ATTR.NOSUID], rnodev: [ATTR.NODEV, 0], rdev: [0, ATTR.NODEV],
  rnoexec: [ATTR.NOEXEC, 0], rexec: [0, ATTR.NOEXEC], rnodiratime: [ATTR.NODIRATIME, 0], rdiratime: [0, ATTR.NODIRATIME], rnosymfollow: [ATTR.NOSYMFOLLOW, 0],
  rsymfollow: [0, ATTR.NOSYMFOLLOW], rrelatime: [0, ATTR.ATIME], rnorelatime: [ATTR.STRICTATIME, ATTR.ATIME], rnoatime: [ATTR.NOATIME, ATTR.ATIME],
  ratime: [0, ATTR.ATIME], rstrictatime: [ATTR.STRICTATIME, ATTR.ATIME], rnostrictatime: [0, ATTR.ATIME],
};

/** Options that change how mounts spread: applied by a call of their own. */
const propagationOptions: Readonly<Record<string, number>> = {
  private: MS.PRIVATE, rprivate: MS.PRIVATE | MS.REC, slave: MS.SLAVE, rslave: MS.SLAVE | MS.REC,
  shared: MS.SHARED, rshared: MS.SHARED | MS.REC, unbindable: MS.UNBINDABLE, runbindable: MS.UNBINDABLE | MS.REC,
};

/** The runtime's own words: ids shown as others (for the mount, or all below it), and a tmpfs that begins with what it covers. */
const ownOptions = new Set(['idmap', 'ridmap', 'tmpcopyup']);

/** What mount_setattr(2) sets and clears. */
export interface MountAttributes {
  readonly set: number;
  readonly clear: number;
}

export interface MountOptions {
  /** For mount(2). */
  readonly flags: number;
  /** Of those, what the options took away by name: a bind's source may have it. */
  readonly cleared: number;
  /** 0 when none was named. */
  readonly propagation: number;
  /** What the file system itself understands, joined by commas. */
  readonly data: string;
  /** For the mount and all below it; undefined when none was named. */
  readonly recursive: MountAttributes | undefined;
  readonly idmap: 'idmap' | 'ridmap' | undefined;
  readonly copyUp: boolean;
}

/** Every option that is not a file system's own. */
export const mountOptionNames: readonly string[] = [...Object.keys(flagOptions), ...Object.keys(recursiveOptions), ...Object.keys(propagationOptions), ...ownOptions].toSorted();

/** Splits a list of options into what the kernel's calls take; what is not a flag is the file system's own. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let [flags, cleared, propagation] = [0, 0, 0];
  let recursive: MountAttributes | undefined;
  const data: string[] = [];
  for (const option of options) {
    const flag = flagOptions[option];
    const below = recursiveOptions[option];
    if (flag !== undefined) [flags, cleared] = [(flags & ~flag[1]) | flag[0], (cleared & ~flag[0]) | flag[1]];
    else if (below !== undefined) recursive = { set: ((recursive?.set ?? 0) & ~below[1]) | below[0], clear: ((recursive?.clear ?? 0) & ~below[0]) | below[1] };
    else if (propagationOptions[option] !== undefined) propagation = propagationOptions[option];
    else if (!ownOptions.has(option)) data.push(option);
  }
  const idmap = options.includes('ridmap') ? 'ridmap' : options.includes('idmap') ? 'idmap' : undefined;
  return { flags, cleared, propagation, data: data.join(','), recursive, idmap, copyUp: options.includes('tmpcopyup') };
}

const attributesByFlag: readonly (readonly [flag: number, attribute: number])[] = [
  [MS.RDONLY, ATTR.RDONLY], [MS.NOSUID, ATTR.NOSUID], [MS.NODEV, ATTR.NODEV], [MS.NOEXEC, ATTR.NOEXEC], [MS.NODIRATIME, ATTR.NODIRATIME], [MS.NOSYMFOLLOW, ATTR.NOSYMFOLLOW],
];

/** The attributes of mount_setattr(2) that say the same as flags of mount(2); undefined when there is nothing to say. */
export function attributesOf({ flags, cleared }: Pick<MountOptions, 'flags' | 'cleared'>): MountAttributes | undefined {
  const bitsOf = (given: number): number => attributesByFlag.reduce((bits, [flag, attribute]) => (given & flag ? bits | attribute : bits), 0);
  const time = flags & MS.NOATIME ? ATTR.NOATIME : flags & MS.STRICTATIME ? ATTR.STRICTATIME : 0;
  const keepsTime = (flags & (MS.NOATIME | MS.STRICTATIME | MS.RELATIME)) !== 0 || (cleared & (MS.NOATIME | MS.STRICTATIME)) !== 0;
  const set = bitsOf(flags) | time;
  const clear = bitsOf(cleared) | (keepsTime ? ATTR.ATIME : 0);
  return set === 0 && clear === 0 ? undefined : { set, clear };
}

/** `struct mount_attr`, 32 bytes: attr_set, attr_clr, propagation, userns_fd. */
export function mountAttributes(set: number, clear = 0, propagation = 0): Uint8Array {
  const struct = new Uint8Array(32);
  const view = new DataView(struct.buffer);
  view.setUint32(0, set, true);
  view.setUint32(8, clear, true);
  view.setUint32(16, propagation, true);
  return struct;
}

/** The same, for a mount that shows ids as the user namespace behind `userNamespace` has them. */
export function idmapAttributes(userNamespace: number): Uint8Array {
  const struct = mountAttributes(ATTR.IDMAP);
  new DataView(struct.buffer).setBigUint64(24, BigInt(userNamespace), true);
  return struct;
}

/** mount(2) copies at most one page of options. */
const mountDataBytesMax = 4095;

export interface OverlayDirs {
  /** Topmost first. Relative ones are looked up from the working directory of whoever mounts. */
  readonly lowerDirs: readonly string[];
  /** Absent: nothing can be written. */
  readonly upperDir?: string;
  readonly workDir?: string;
  /** Nothing that is written must outlive a crash of the machine: fsync(2) inside does nothing, and the end of the mount does not wait for the disk. */
  readonly isVolatile?: boolean | undefined;
}

/**
 * The options of an overlay. The upper directory must say by itself what was changed, whatever the machine's defaults are: no entry that only
 * names another directory (redirect_dir) or only other attributes (metacopy). A second mount of the same directories is ours (index). A volatile one leaves a
 * mark (`volatileMark` in the work directory), for which the kernel refuses the next: after a crash files may be incomplete.
 * Source: Documentation/filesystems/overlayfs.rst.
 * @throws `unsupported` for more directories than fit.
 */
export function overlayOptions({ lowerDirs, upperDir, workDir, isVolatile }: OverlayDirs): string {
  const upper = upperDir === undefined ? '' : `,upperdir=${escapeOption(upperDir)},workdir=${escapeOption(workDir ?? '')}`;
  const data = `lowerdir=${lowerDirs.map(escapeOption).join(':')}${upper},redirect_dir=off,metacopy=off,index=off${isVolatile === true ? ',volatile' : ''}`;
  if (Buffer.byteLength(data) > mountDataBytesMax) throw fail('unsupported', `Too many layers for one overlay: the list of ${lowerDirs.length} directories is longer than a page`, { hint: 'Flatten the image: export a container of it and import that' });
  return data;
}

/** Where the mark lies in the work directory, from the inside out. */
export const volatileMark = ['work/incompat/volatile/dirty', 'work/incompat/volatile'] as const;

/** overlayfs reads `:` `,` and `\` in its options as its own. */
function escapeOption(path: string): string {
  return path.replace(/[\\:,]/g, '\\$&');
}
