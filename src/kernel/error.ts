// A system call that the kernel refused: which call, on what, and the errno by name. `mount "/x" on "/y": EBUSY`.
import { constants } from 'node:os';

const names = new Map<number, string>();
for (const [name, value] of Object.entries(constants.errno)) if (!names.has(value)) names.set(value, name);
// Names that node:os does not know or knows under an alias. Source: asm-generic/errno-base.h, asm-generic/errno.h.
for (const [value, name] of [[11, 'EAGAIN'], [15, 'ENOTBLK'], [95, 'EOPNOTSUPP'], [126, 'ENOKEY'], [127, 'EKEYEXPIRED'], [117, 'EUCLEAN'], [85, 'ERESTART'], [87, 'EUSERS']] as const) names.set(value, name);

/** `2` → `ENOENT`; a number nobody knows → `errno 4095`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

const sentences: Readonly<Record<string, string>> = {
  EPERM: 'operation not permitted', ENOENT: 'no such file or directory', EIO: 'input/output error', ENOEXEC: 'exec format error', EACCES: 'permission denied', EBUSY: 'device or resource busy',
  EEXIST: 'file exists', ENODEV: 'no such device', ENOTDIR: 'not a directory', EISDIR: 'is a directory', EINVAL: 'invalid argument', ENFILE: 'too many open files in system', EMFILE: 'too many open files',
  ENOSPC: 'no space left on device', EROFS: 'read-only file system', ENAMETOOLONG: 'file name too long', ELOOP: 'too many levels of symbolic links', ENOMEM: 'cannot allocate memory', EAGAIN: 'resource temporarily unavailable',
  ESRCH: 'no such process', E2BIG: 'argument list too long', ETXTBSY: 'text file busy', ENOSYS: 'function not implemented', ERANGE: 'numerical result out of range', EDQUOT: 'disk quota exceeded', ENXIO: 'no such device or address',
};

/** `ENOENT` → `no such file or directory`: the words that Docker's messages use. */
export function errnoSentence(code: string): string {
  return sentences[code] ?? code;
}

export class KernelError extends Error {
  /** `ENOENT` and so on. */
  readonly code: string;
  readonly errno: number;
  readonly call: string;

  constructor(call: string, operand: string, errno: number) {
    super(`${call}${operand === '' ? '' : ` ${operand}`}: ${errnoName(errno)}`);
    this.name = 'KernelError';
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}

export function isKernelError(error: unknown, ...codes: readonly string[]): error is KernelError {
  return error instanceof KernelError && (codes.length === 0 || codes.includes(error.code));
}
