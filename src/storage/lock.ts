// One engine a data root: the lock is held by an open file (flock), so it goes away with its process, however that ends. The file's text, the
// holder's pid, is only there for the sentence that the second engine prints.
import { fail } from '../base/index.ts';
import { call, Fd, isKernelError, O, tryCall } from '../kernel/index.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/** @throws `conflict` when another process has the root. */
export function lockRoot(rootDir: string): Disposable {
  const file = Fd.open(`${rootDir}/lock`, O.RDWR | O.CREAT | O.NOFOLLOW, 0o600);
  try {
    call('flock', file.number, LOCK_EX | LOCK_NB);
  } catch (error) {
    const holder = readPid(file);
    file[Symbol.dispose]();
    if (!isKernelError(error, 'EAGAIN')) throw error;
    throw fail('conflict', `Another Estiva daemon already uses ${JSON.stringify(rootDir)}${holder === '' ? '' : ` (pid ${holder})`}`, {
      hint: 'Stop it, or choose another data root with --root or ESTIVA_ROOT', cause: error,
    });
  }
  call('ftruncate', file.number, 0);
  const text = Buffer.from(`${process.pid}\n`);
  call('pwrite64', file.number, text, text.length, 0);
  return file;
}

function readPid(file: Fd): string {
  const bytes = Buffer.alloc(20);
  const length = tryCall('pread64', file.number, bytes, bytes.length, 0);
  return /^\d+/.exec(bytes.toString('latin1', 0, Math.max(length, 0)))?.[0] ?? '';
}
