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
    const own = findIn(dirs.upperDir, path);
    return own === 'absent' ? readLower(dirs.lowerDirs, path) : own.bytes;
  };
}

/** What a directory of the stack says about a path: the file's bytes, that it is gone, or nothing. */
type Found = 'absent' | { readonly bytes: Uint8Array | undefined };

function findIn(dir: string, path: string): Found {
  using root = Fd.open(dir, O.PATH | O.DIRECTORY);
  const found = look(root, path);
  if (found === 'hidden') return { bytes: undefined };
  if (found === 'here') return { bytes: readText(root, path) };
  return isOpaque(root, path.slice(0, path.lastIndexOf('/'))) ? { bytes: undefined } : 'absent';
}

/** Layers never change, and every start of an image asks for the same two files. */
const remembered = new Map<string, Uint8Array | undefined>();
const rememberedMax = 64;
const rememberedBytesMax = 64 * 1024;

function readLower(lowerDirs: readonly string[], path: string): Uint8Array | undefined {
  const key = [...lowerDirs, path].join(':');
  if (remembered.has(key)) return remembered.get(key);
  let bytes: Uint8Array | undefined;
  for (const dir of lowerDirs) {
    const found = findIn(dir, path);
    if (found === 'absent') continue;
    bytes = found.bytes;
    break;
  }
  if ((bytes?.length ?? 0) > rememberedBytesMax) return bytes;
  for (const oldest of remembered.keys()) if (remembered.size >= rememberedMax) remembered.delete(oldest);
  remembered.set(key, bytes);
  return bytes;
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
