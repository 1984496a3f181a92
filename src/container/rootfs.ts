// Reading a file of a container's root without mounting it and without running anything.
//
// A running container's root is /proc/PID/root. A stopped one's is the overlay that overlayfs would make: the upper directory, then the layers
// from the top. Both are opened as directories and read through openat2, so that no link leads out of them.
import { fail } from '../base/index.ts';
import { Fd, isKernelError, O, readFileIn, statFd, tryCall, tryOpenIn } from '../kernel/index.ts';
import type { RootDirs } from '../storage/index.ts';
import type { ReadFile } from './user.ts';

/** Enough for every passwd file that people use; more is refused, for it comes from strangers. */
const fileBytesMax = 4 * 1024 * 1024;

/** @throws KernelError when the process is gone. */
export function runningRoot(pid: number): ReadFile & Disposable {
  const root = Fd.open(`/proc/${pid}/root`, O.PATH | O.DIRECTORY);
  return Object.assign((path: string) => readText(root, path), { [Symbol.dispose]: () => root[Symbol.dispose]() });
}

/**
 * Looks from the top directory down, as overlayfs does: the first that has the path, unless it is a whiteout or one above it is opaque.
 * A path through a symbolic link counts as absent in that directory (links across layers need the real overlay).
 */
export function stoppedRoot(dirs: RootDirs): ReadFile {
  return (path) => {
    for (const dir of [dirs.upperDir, ...dirs.lowerDirs]) {
      using root = Fd.open(dir, O.PATH | O.DIRECTORY);
      const found = look(root, path);
      if (found === 'hidden') return undefined;
      if (found === 'here') return readText(root, path);
      if (isOpaque(root, path.slice(0, path.lastIndexOf('/')))) return undefined;
    }
    return undefined;
  };
}

/** @throws `invalid` for what is no file, or too large a one: it is the image's or the container's doing. */
function readText(root: Fd, path: string): Uint8Array | undefined {
  try {
    return readFileIn(root, path, fileBytesMax, 'inside');
  } catch (error) {
    if (!isKernelError(error, 'EINVAL', 'EFBIG', 'ELOOP', 'EXDEV')) throw error;
    throw fail('invalid', `Cannot read "/${path}" of the container: it is ${isKernelError(error, 'EFBIG') ? `larger than ${fileBytesMax} bytes` : 'not a regular file'}`, { cause: error });
  }
}

function look(root: Fd, path: string): 'here' | 'hidden' | 'absent' {
  const number = tryOpenIn(root, path, O.PATH, 'inside');
  if (number < 0) return 'absent';
  using file = new Fd(number);
  const { mode, deviceMajor, deviceMinor } = statFd(file);
  const isWhiteout = (mode & 0o170000) === 0o020000 && deviceMajor === 0 && deviceMinor === 0;
  return isWhiteout ? 'hidden' : 'here';
}

function isOpaque(root: Fd, dir: string): boolean {
  const number = tryOpenIn(root, dir, O.RDONLY | O.DIRECTORY, 'inside');
  if (number < 0) return false;
  using opened = new Fd(number);
  return readsOpaque(opened);
}

function readsOpaque(dir: Fd): boolean {
  const value = new Uint8Array(1);
  return tryCall('fgetxattr', dir.number, 'trusted.overlay.opaque', value, value.length) === 1 && value[0] === 'y'.charCodeAt(0);
}
