// Mount flags by name, as mount(8) and the OCI runtime spec write them. Source: linux/mount.h, mount(2), mount_setattr(2).

export const MS = {
  RDONLY: 1, NOSUID: 2, NODEV: 4, NOEXEC: 8, SYNCHRONOUS: 16, REMOUNT: 32, MANDLOCK: 64, DIRSYNC: 128, NOATIME: 1024, NODIRATIME: 2048,
  BIND: 4096, MOVE: 8192, REC: 16384, SILENT: 32768, UNBINDABLE: 1 << 17, PRIVATE: 1 << 18, SLAVE: 1 << 19, SHARED: 1 << 20, RELATIME: 1 << 21,
  STRICTATIME: 1 << 24, LAZYTIME: 1 << 25,
} as const;

export const MNT_DETACH = 2;
export const AT_RECURSIVE = 0x8000;
export const AT_EMPTY_PATH = 0x1000;
export const OPEN_TREE_CLONE = 1;
export const OPEN_TREE_CLOEXEC = 0o2000000;
export const MOVE_MOUNT_F_EMPTY_PATH = 4;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;

const MOUNT_ATTR_RDONLY = 1;
const MOUNT_ATTR_NOSUID = 2;
const MOUNT_ATTR_NODEV = 4;
const MOUNT_ATTR_NOEXEC = 8;

/** Options that set or clear a flag of mount(2). */
const flagOptions: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  defaults: [0, 0], ro: [MS.RDONLY, 0], rw: [0, MS.RDONLY], nosuid: [MS.NOSUID, 0], suid: [0, MS.NOSUID], nodev: [MS.NODEV, 0], dev: [0, MS.NODEV],
  noexec: [MS.NOEXEC, 0], exec: [0, MS.NOEXEC], sync: [MS.SYNCHRONOUS, 0], async: [0, MS.SYNCHRONOUS], dirsync: [MS.DIRSYNC, 0], mand: [MS.MANDLOCK, 0],
  nomand: [0, MS.MANDLOCK], noatime: [MS.NOATIME, 0], atime: [0, MS.NOATIME], nodiratime: [MS.NODIRATIME, 0], diratime: [0, MS.NODIRATIME],
  relatime: [MS.RELATIME, 0], norelatime: [0, MS.RELATIME], strictatime: [MS.STRICTATIME, 0], nostrictatime: [0, MS.STRICTATIME],
  lazytime: [MS.LAZYTIME, 0], nolazytime: [0, MS.LAZYTIME], silent: [MS.SILENT, 0], loud: [0, MS.SILENT], bind: [MS.BIND, 0], rbind: [MS.BIND | MS.REC, 0],
};

/** Options that change how mounts spread: applied by a call of their own. */
const propagationOptions: Readonly<Record<string, number>> = {
  private: MS.PRIVATE, rprivate: MS.PRIVATE | MS.REC, slave: MS.SLAVE, rslave: MS.SLAVE | MS.REC,
  shared: MS.SHARED, rshared: MS.SHARED | MS.REC, unbindable: MS.UNBINDABLE, runbindable: MS.UNBINDABLE | MS.REC,
};

export interface MountOptions {
  /** For mount(2). */
  readonly flags: number;
  /** 0 when none was named. */
  readonly propagation: number;
  /** What the file system itself understands, joined by commas. */
  readonly data: string;
}

/** Splits a list of options into what the kernel's calls take; what is not a flag is the file system's own. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let flags = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const option of options) {
    const flag = flagOptions[option];
    if (flag !== undefined) flags = (flags & ~flag[1]) | flag[0];
    else if (propagationOptions[option] !== undefined) propagation = propagationOptions[option];
    else data.push(option);
  }
  return { flags, propagation, data: data.join(',') };
}

/** The attributes of mount_setattr(2) that say the same as `flags` of mount(2). */
export function attributesOf(flags: number): number {
  return (flags & MS.RDONLY ? MOUNT_ATTR_RDONLY : 0) | (flags & MS.NOSUID ? MOUNT_ATTR_NOSUID : 0) | (flags & MS.NODEV ? MOUNT_ATTR_NODEV : 0) | (flags & MS.NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
}

/** `struct mount_attr`, 32 bytes: attr_set, attr_clr, propagation, userns_fd. */
export function mountAttributes(set: number): Uint8Array {
  const struct = new Uint8Array(32);
  new DataView(struct.buffer).setUint32(0, set, true);
  return struct;
}
