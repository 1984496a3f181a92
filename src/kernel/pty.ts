// Pseudo-terminals: a master that the supervisor holds and a slave that becomes a container's terminal.
// Source: ioctl_tty(2), asm-generic/ioctls.h (the same on x86-64 and arm64).
import { call } from './call.ts';
import { Fd, fdNumber, O } from './fd.ts';

export const TIOCSCTTY = 0x540e;
const TIOCSWINSZ = 0x5414;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;

/** @throws KernelError */
export function openPty(): { readonly master: Fd; readonly slave: Fd } {
  const master = Fd.open('/dev/ptmx', O.RDWR | O.NOCTTY);
  try {
    call('ioctl', master.number, TIOCSPTLCK, new Uint8Array(4));
    return { master, slave: new Fd(call('ioctl', master.number, TIOCGPTPEER, O.RDWR | O.NOCTTY | O.CLOEXEC)) };
  } catch (error) {
    master[Symbol.dispose]();
    throw error;
  }
}

/** @throws KernelError */
export function setWindowSize(master: number | Fd, size: { readonly rows: number; readonly columns: number }): void {
  const struct = new Uint8Array(8);
  const view = new DataView(struct.buffer);
  view.setUint16(0, size.rows, true);
  view.setUint16(2, size.columns, true);
  call('ioctl', fdNumber(master), TIOCSWINSZ, struct);
}
