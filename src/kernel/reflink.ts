// Two files that share their blocks, until one of them is written to. Source: ioctl_ficlonerange(2); linux/fs.h: FICLONE is _IOW(0x94, 9, int).
import { tryCall } from './call.ts';
import type { Fd } from './fd.ts';

const FICLONE = 0x40049409;

/** The content of `from` becomes that of `to`. 0, or -errno: EOPNOTSUPP and EXDEV where there are no such blocks to share. */
export function cloneFile(from: Fd, to: Fd): number {
  return tryCall('ioctl', to.number, FICLONE, from.number);
}
