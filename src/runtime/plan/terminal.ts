// The standard streams for a process with a terminal. The terminal is made from the container's own devpts, so that inside it has a name
// (/dev/pts/0) and `tty` works; its master end is sent out through a socket to whoever launched us.
import { CMSG_RIGHTS_BYTES, openHow, O, resolution, rightsMessage, TIOCSCTTY, type Op } from '../../kernel/index.ts';
import { slots } from './setting.ts';

const AT_FDCWD = -100;
const TIOCSWINSZ = 0x5414;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;

export interface TerminalSetting {
  readonly size?: { readonly height: number; readonly width: number } | undefined;
  readonly uid: number;
}

export function terminalSteps({ size, uid }: TerminalSetting): readonly Op[] {
  return [
    { call: 'openat2', args: [AT_FDCWD, '/dev/pts/ptmx', openHow(O.RDWR | O.NOCTTY | O.NONBLOCK | O.CLOEXEC, 0, resolution.plainAnywhere), 24], label: 'ptmx', why: 'a terminal of the container\'s own' },
    { call: 'ioctl', args: [{ resultOf: 'ptmx' }, TIOCSPTLCK, new Uint8Array(4)], why: 'unlocked' },
    { call: 'ioctl', args: [{ resultOf: 'ptmx' }, TIOCGPTPEER, O.RDWR | O.NOCTTY | O.CLOEXEC], label: 'tty', why: 'its inner end' },
    ...(size === undefined || size.height === 0 ? [] : [{ call: 'ioctl', args: [{ resultOf: 'ptmx' }, TIOCSWINSZ, windowSize(size)], why: `${size.height} rows, ${size.width} columns` } satisfies Op]),
    { call: 'dup3', args: [{ resultOf: 'ptmx' }, { slot: slots.consoleMaster }, O.CLOEXEC], why: 'its outer end under the number that the message names' },
    { call: 'sendmsg', args: [{ slot: slots.consoleSocket }, rightsMessage({ slot: slots.consoleMessage }), 0], why: `its outer end goes to the supervisor (${CMSG_RIGHTS_BYTES} bytes of control message)` },
    ...[0, 1, 2].map((fd): Op => ({ call: 'dup3', args: [{ resultOf: 'tty' }, fd, 0], why: ['stdin', 'stdout', 'stderr'][fd]! })),
    ...(uid === 0 ? [] : [{ call: 'fchown', args: [0, uid, -1], why: 'the terminal belongs to the user' } satisfies Op]),
  ];
}

/** A session of the process's own, once its standard streams are in place. Whoever takes the terminal must be the one that stays: when the first of a session ends, the terminal hangs up. */
export function sessionSteps(terminal: boolean): readonly Op[] {
  const setsid: Op = { call: 'setsid', args: [], why: 'a session of its own' };
  return terminal ? [setsid, { call: 'ioctl', args: [0, TIOCSCTTY, 0], why: 'with this terminal' }] : [setsid];
}

/** The terminal under its second name, for a container's first process. */
export const consoleSteps: readonly Op[] = [
  { call: 'mknodat', args: [AT_FDCWD, '/dev/console', 0o100600, 0], onError: 'ignore', why: 'a mount point' },
  { call: 'mount', args: ['/dev/pts/0', '/dev/console', 0, 4096, 0], why: '/dev/console is the same terminal' },
];

function windowSize(size: { readonly height: number; readonly width: number }): Uint8Array {
  return new Uint8Array(Uint16Array.of(size.height, size.width, 0, 0).buffer);
}
