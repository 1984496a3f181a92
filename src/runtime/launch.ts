// Launching: an image of a plan is placed in memory, its slots are filled, and the stub runs it. What comes back is a process that is on its way
// to execve; the error pipe tells how that went: end of file means the program runs, a record names the op that failed.
//
// One launch at a time enters the stub (it is synchronous and takes a fraction of a millisecond); any number may be on their way at once, each in
// an arena of its own.
import { Arena, call, Fd, hideFromForks, O, opBytes, openPidfd, readFailedOp, sendSignal, SharedPage, type FailedOp, type Loadable, type Readiness } from '../kernel/index.ts';
import { slots, spaces } from './plan/setting.ts';

/** What travels: the image without the ops, its slots and spaces by name. */
export interface Launchable extends Loadable {
  readonly slots: ReadonlyMap<string, number>;
  readonly spaces: ReadonlyMap<string, number>;
}

export interface LaunchFailure extends FailedOp {
  /** The result of every op, in order, as far as they came: execve's tries are read from it. */
  readonly results: readonly number[];
}

export interface Launched {
  readonly pid: number;
  readonly pidfd: Fd;
}

export type LaunchResult = { readonly ok: true; readonly process: Launched } | { readonly ok: false; readonly failure: LaunchFailure };

const SIGKILL = 9;

/**
 * Runs a launch plan. `fill` gives the value of each slot but `error`; its descriptors may be closed when the promise is settled.
 * A process whose launch failed is reaped before the promise is settled.
 */
export function launch(image: Launchable, fill: ReadonlyMap<string, number>, readiness: Readiness, opCount: number): Promise<LaunchResult> {
  const arena = Arena.load(image);
  const [errorRead, errorWrite] = Fd.pipe(O.NONBLOCK);
  const page = image.slots.has(slots.born) ? new SharedPage() : undefined;
  if (page !== undefined) hideFromForks([arena.memory, page.memory]);
  const own = new Map([[slots.error, errorWrite.number], [slots.belowError, errorWrite.number - 1], [slots.aboveError, errorWrite.number + 1], [slots.born, page?.memory.address ?? 0]] as [string, number][]);
  for (const [name, at] of image.slots) arena.setWord64(at, own.get(name) ?? fill.get(name) ?? missing(name));
  arena.run();
  errorWrite[Symbol.dispose]();
  const pid = arena.int32(image.spaces.get(spaces.pid)!);
  const results = (): number[] => Array.from({ length: opCount }, (_, i) => arena.result(i));
  if (pid === 0) {
    const all = results();
    const index = all.findIndex((result, i) => result < 0 && i > 0);
    arena[Symbol.dispose]();
    page?.[Symbol.dispose]();
    errorRead[Symbol.dispose]();
    return Promise.resolve({ ok: false, failure: { index, errno: -(all[index] ?? 0), results: all } });
  }
  const first: Launched = { pid, pidfd: new Fd(arena.int32(image.spaces.get(spaces.pidfd)!)) };
  return awaitExecve(errorRead, readiness, (record) => {
    const process = page === undefined ? first : bornOf(first, page);
    const outcome: LaunchResult = record === undefined ? { ok: true, process } : { ok: false, failure: { ...readFailedOp(record), results: results() } };
    arena[Symbol.dispose]();
    if (!outcome.ok) end(process);
    return outcome;
  });
}

/** The process that the go-between made, our child; the go-between itself when it came to nothing. */
function bornOf(goBetween: Launched, page: SharedPage): Launched {
  const pid = page.int32;
  page[Symbol.dispose]();
  if (pid === 0) return goBetween;
  end(goBetween);
  return { pid, pidfd: openPidfd(pid) };
}

function missing(slot: string): never {
  throw new Error(`Nothing was given for slot "${slot}"`);
}

/** The process wrote its record, or did its work, and is in exit_group: it is a zombie within microseconds. Whoever forged the record of another is not waited for. */
function end({ pidfd }: Launched): void {
  const P_PIDFD = 3;
  const WEXITED = 4;
  sendSignal(pidfd, SIGKILL);
  call('waitid', P_PIDFD, pidfd.number, 0, WEXITED, 0);
  pidfd[Symbol.dispose]();
}

/** Resolves at the end of the error pipe with what came through it. */
function awaitExecve<T>(errorRead: Fd, readiness: Readiness, settle: (record: Uint8Array | undefined) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const record = new Uint8Array(opBytes);
    let length = 0;
    readiness.watch(errorRead, () => {
      try {
        const got = call('read', errorRead.number, record.subarray(length), opBytes - length);
        length += got;
        if (got > 0 && length < opBytes) return;
        readiness.unwatch(errorRead);
        errorRead[Symbol.dispose]();
        resolve(settle(length === 0 ? undefined : record));
      } catch (error) {
        reject(error);
      }
    });
  });
}

