// Processes that another runtime's program has made for us: it writes a pid file, sends the terminal to a console socket, and ends.
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptUnix, Fd, isOurChild, listenUnix, O, openPidfd, reap, receiveFd, sendSignal, type Readiness } from '../../kernel/index.ts';
import type { Launched } from '../launch.ts';
import type { ExternalLaunch } from './protocol.ts';

/** runc needs a twentieth of a second. One that takes this long waits for something that will not come. */
const makingMsMax = 60_000;
/** crun has a process in between, which may end after the one that we wait for: only then the orphan is ours. */
const orphanMsMax = 5000;
const orphanPollMs = 1;
const SIGKILL = 9;

/** Waits for the end of `program`, our child. @throws Error when it has left a process to us that is not there, or not ours */
export async function processMadeBy(program: Launched, { pidFile }: ExternalLaunch, readiness: Readiness): Promise<Launched | { readonly declined: number }> {
  const code = await endOf(program, readiness);
  if (code !== 0) return { declined: code };
  const pid = Number(readFileSync(pidFile, 'latin1'));
  using undo = new DisposableStack();
  const pidfd = undo.use(openPidfd(pid));
  for (const giveUpAt = Date.now() + orphanMsMax; !isOurChild(pidfd);) {
    if (Date.now() > giveUpAt) throw new Error(`Process ${pid}, which the runtime has made, is not our child`);
    await sleep(orphanPollMs);
  }
  undo.move();
  return { pid, pidfd };
}

function endOf({ pidfd }: Launched, readiness: Readiness): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => void sendSignal(pidfd, SIGKILL), makingMsMax);
    readiness.watch(pidfd, () => {
      clearTimeout(timer);
      readiness.unwatch(pidfd);
      using _ended = pidfd;
      try {
        resolve(reap(pidfd)!.code);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

/** The socket that a terminal's outer end comes through. Its directory's path may be longer than a socket's can be: it is named by descriptor. */
export class ConsoleListener implements Disposable {
  readonly #path: string;
  readonly #listener: Fd;

  constructor({ directory, consoleSocket }: ExternalLaunch) {
    using held = Fd.open(directory, O.PATH | O.DIRECTORY);
    this.#path = `${directory}/${consoleSocket}`;
    rmSync(this.#path, { force: true });
    this.#listener = listenUnix(`/proc/self/fd/${held.number}/${consoleSocket}`);
  }

  /** Undefined when none was sent. */
  take(): Fd | undefined {
    using connection = acceptUnix(this.#listener);
    return connection === undefined ? undefined : receiveFd(connection);
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
    rmSync(this.#path, { force: true });
  }
}
