// Which file system a path lies on. Source: statfs(2), linux/magic.h; the names are those that Docker's people know from `docker info`.
import { statfsSync } from 'node:fs';

const names: Readonly<Record<number, string>> = {
  0xef53: 'extfs', 0x58465342: 'xfs', 0x9123683e: 'btrfs', 0x01021994: 'tmpfs', 0x794c7630: 'overlayfs', 0xf2f52010: 'f2fs', 0x2fc12fc1: 'zfs', 0x6969: 'nfs',
  0xca451a4e: 'bcachefs', 0x65735546: 'fuse', 0x01021997: '9p',
};

/** `extfs`, `xfs` …; of one without a name here its number, `0x…`. @throws Error of node:fs */
export function fileSystemOf(path: string): string {
  const { type } = statfsSync(path);
  return names[type] ?? `0x${type.toString(16)}`;
}
