// Launching apart: the two parts of a plan (plan/create.ts) are run by a launcher that may end before the program begins. Reading
// waits: the launcher has nothing else to do.
//
// Words. The *capsule* is the inner part as an executable in a sealed memfd. A *report* is the record of an op that went well: the inner part has
// reached a point that it was to tell of. A record of one that failed ends the launch.
import { Arena, assemble, call, callWaiting, Fd, hostArchitecture, opBytes, openPidfd, readRecord, sendSignal, staticElf, tryCall, type Image, type Op } from '../kernel/index.ts';
import type { ApartPlan } from './plan/create.ts';
import { slots, spaces } from './plan/setting.ts';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
/** No more seals, no shorter, no longer, no writing. */
const everySeal = 0xf;
const SIGKILL = 9;
const P_PIDFD = 3;
const WEXITED = 4;

export interface ApartLaunch {
  readonly plan: ApartPlan;
  /** The value of each slot but `error`, `go` and `capsule`. */
  readonly fill: ReadonlyMap<string, number>;
  /** Where records are read and written: a pipe of its own when absent. The writing end is closed here, the reading end stays the caller's. */
  readonly records?: { readonly read: Fd; readonly write: Fd };
  /** Called at each point that is told of, with the op's result and the process that the outer part made; the inner part then goes on. */
  readonly reached: (point: string, result: number, pid: number) => void | Promise<void>;
  /** The point at which the launch is over although the program does not run yet; absent: its execve. */
  readonly until?: string;
  readonly failAt?: number;
}

export interface ApartProcess {
  readonly pid: number;
  readonly pidfd: Fd;
}

/** The op that failed, in words that the plan has for it. */
export class LaunchError extends Error {
  readonly op: Op;
  readonly index: number;
  readonly errno: number;

  constructor(op: Op, index: number, errno: number) {
    super(`${op.call} failed with ${errno}`);
    this.op = op;
    this.index = index;
    this.errno = errno;
  }
}

/** @throws LaunchError; whatever was made is ended and reaped then. */
export async function launchApart(launch: ApartLaunch): Promise<ApartProcess> {
  using closing = new DisposableStack();
  const { read, write } = launch.records ?? pipeOf(closing);
  const [goRead, goWrite] = Fd.pipe();
  for (const end of [goRead, goWrite]) closing.use(end);
  const architecture = hostArchitecture();
  const injected = launch.failAt === undefined ? {} : { failAt: launch.failAt };
  const outer = assemble(launch.plan.outer, architecture, injected);
  const inner = assemble(launch.plan.inner, architecture, { indexFrom: outer.ops.length, ...injected });
  const fill = new Map([...launch.fill, [slots.error, write.number], [slots.go, goRead.number]]);
  const capsule = closing.use(capsuleOf(inner, fill));
  fill.set(slots.capsule, capsule.number);
  const first = runOuter(outer, fill);
  write[Symbol.dispose]();
  goRead[Symbol.dispose]();
  return await follow(launch, [...outer.ops, ...inner.ops], first, read, goWrite);
}

function pipeOf(closing: DisposableStack): { readonly read: Fd; readonly write: Fd } {
  const [read, write] = Fd.pipe();
  closing.use(read);
  closing.use(write);
  return { read, write };
}

function capsuleOf(inner: Image, fill: ReadonlyMap<string, number>): Fd {
  const bytes = Buffer.from(inner.bytes);
  for (const [name, at] of inner.slots) bytes.writeBigInt64LE(BigInt(valueOf(fill, name)), at);
  const executable = staticElf({ ...inner, bytes }, hostArchitecture());
  // Kernels before 6.3 do not know the flag, and need none.
  let number = tryCall('memfd_create', 'estiva', MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (number < 0) number = call('memfd_create', 'estiva', MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const capsule = new Fd(number);
  for (let done = 0; done < executable.length;) done += call('write', number, executable.subarray(done), executable.length - done);
  call('fcntl', number, F_ADD_SEALS, everySeal);
  return capsule;
}

function valueOf(fill: ReadonlyMap<string, number>, name: string): number {
  const value = fill.get(name);
  if (value === undefined) throw new Error(`Nothing was given for slot "${name}"`);
  return value;
}

function runOuter(outer: Image, fill: ReadonlyMap<string, number>): ApartProcess {
  // Never given back: the child may still stand in it when the launcher is told of a failure.
  const arena = Arena.load(outer);
  for (const [name, at] of outer.slots) arena.setWord64(at, valueOf(fill, name));
  arena.run();
  const pid = arena.int32(outer.spaces.get(spaces.pid)!);
  if (pid === 0) {
    const index = outer.ops.findIndex((_, i) => i > 0 && arena.result(i) < 0);
    throw new LaunchError(outer.ops[index]!, index, -arena.result(index));
  }
  return { pid, pidfd: new Fd(arena.int32(outer.spaces.get(spaces.pidfd)!)) };
}

/** Reads records until the program runs, waits at the end point, or has failed. */
async function follow(launch: ApartLaunch, ops: readonly Op[], first: ApartProcess, read: Fd, go: Fd): Promise<ApartProcess> {
  let current = first;
  try {
    for (let record = readOne(read); record !== undefined; record = readOne(read)) {
      const { index, result } = readRecord(record);
      const op = ops[index]!;
      if (result < 0) throw new LaunchError(op, index, -result);
      if (op.label === 'born') current = replaced(current, result);
      await launch.reached(op.label ?? '', result, current.pid);
      if (op.label === launch.until) return current;
      tryCall('write', go.number, new Uint8Array(1), 1);
    }
    if (launch.until !== undefined) throw new LaunchError({ call: 'execve', args: [], why: 'the process was ended from outside' }, 0, 3);
    return current;
  } catch (error) {
    end(current);
    throw error;
  }
}

/** The go-between made its sibling, and ends by itself. */
function replaced(goBetween: ApartProcess, pid: number): ApartProcess {
  const born = { pid, pidfd: openPidfd(pid) };
  callWaiting('waitid', P_PIDFD, goBetween.pidfd.number, 0, WEXITED, 0);
  goBetween.pidfd[Symbol.dispose]();
  return born;
}

/** One record; undefined at the end of the stream. */
function readOne(read: Fd): Uint8Array | undefined {
  const record = new Uint8Array(opBytes);
  let length = 0;
  while (length < opBytes) {
    const got = callWaiting('read', read.number, record.subarray(length), opBytes - length);
    if (got === 0) return undefined;
    length += got;
  }
  return record;
}

function end({ pidfd }: ApartProcess): void {
  sendSignal(pidfd, SIGKILL);
  callWaiting('waitid', P_PIDFD, pidfd.number, 0, WEXITED, 0);
  pidfd[Symbol.dispose]();
}
