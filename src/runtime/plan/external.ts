// The plan of a call of another OCI runtime's program: the root file system and what another container lends are mounted in a mount namespace of the
// program's own, so that here, too, the host sees no mount and nothing is left when the last process is gone. Then the program takes its place.
import { MOVE_MOUNT_F_EMPTY_PATH, MS, CLONE, type Op, type Step } from '../../kernel/index.ts';
import { cloneFrame } from './clone.ts';
import { heldSlot } from './mounts.ts';
import { lentSource, rootMount } from './root.ts';
import { slots, type LentMount, type OverlayRoot } from './setting.ts';

const AT_FDCWD = -100;
const SIGPIPE = 13;
const SIGXFSZ = 25;

export interface ExternalSetting {
  /** The program's path first. */
  readonly command: readonly string[];
  /** Where it is started. */
  readonly directory: string;
  /** True: the process gets its terminal through a socket, and the program has no streams. */
  readonly terminal: boolean;
  /** What the container's process needs mounted; an exec needs nothing. */
  readonly mounts?: { readonly root: OverlayRoot; readonly lent?: (LentMount & { readonly onto: string }) | undefined; readonly held?: readonly HeldMount[] } | undefined;
}

/** A source that whoever launches holds, put where the bundle names it. */
export interface HeldMount {
  readonly destination: string;
  /** Absolute; what it is mounted on is there. */
  readonly onto: string;
}

export function planExternal({ command, directory, terminal, mounts }: ExternalSetting): readonly Step[] {
  return cloneFrame([
    { call: 'setsid', args: [], why: 'a session of its own' },
    { call: 'umask', args: [0o022], why: 'the usual umask, which the container inherits', onError: 'ignore' },
    ...(mounts === undefined ? [] : mountOps(mounts)),
    { call: 'chdir', args: [directory], why: 'the bundle' },
    ...[slots.stdin, slots.stdout, slots.stderr].map((slot, fd): Op => ({ call: 'dup3', args: [{ slot: terminal ? slots.stdin : slot }, fd, 0], why: slot })),
    ...[SIGPIPE, SIGXFSZ].map((signal): Op => ({ call: 'rt_sigaction', args: [signal, new Uint8Array(32), 0, 8], why: `signal ${signal} ends it again: Node ignores it` })),
    { call: 'rt_sigprocmask', args: [2, new Uint8Array(8), 0, 8], why: 'no signal blocked' },
    { call: 'close_range', args: [3, 0xffffffff, 4], why: 'nothing of ours goes on' },
    { call: 'execve', args: [command[0]!, { strings: command }, { strings: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] }], why: 'the other runtime, which goes on from here' },
  ], { flags: mounts === undefined ? 0 : CLONE.NEWNS, shareMemory: true });
}

function mountOps({ root, lent, held = [] }: NonNullable<ExternalSetting['mounts']>): readonly Op[] {
  return [
    { call: 'mount', args: [0, '/', 0, MS.PRIVATE | MS.REC, 0], why: 'mounts made here stay here' },
    ...rootMount(root),
    ...held.map(({ destination, onto }): Op => ({ call: 'move_mount', args: [{ slot: heldSlot(destination) }, '', AT_FDCWD, onto, MOVE_MOUNT_F_EMPTY_PATH], why: `the source of ${destination}, where the bundle names it` })),
    ...(lent === undefined ? [] : [
      ...lentSource(lent),
      { call: 'move_mount', args: [{ resultOf: `source of ${lent.destination}` }, '', AT_FDCWD, lent.onto, MOVE_MOUNT_F_EMPTY_PATH], why: 'where the bundle names it' } satisfies Op,
    ]),
  ];
}
