// The supervisor's tasks: processes it started, the ends of their streams, and their exits until the daemon has written them down.
import { randomUUID } from 'node:crypto';
import { renameSync, unlink, writeFileSync } from 'node:fs';
import { borrowFd, call, Fd, O, openPidfd, exitStatusOfStranger, reap, receiveFd, socketPair, isKernelError, type Readiness } from '../../kernel/index.ts';
import { launch, type Launchable } from '../launch.ts';
import { slots } from '../plan/setting.ts';
import { Spool } from '../spool.ts';
import { ConsoleListener, processMadeBy } from './external.ts';
import { Orphans } from './orphans.ts';
import { SpareNetworks } from './spare-networks.ts';
import type { LaunchRequest, Request, TaskExit, TaskReport } from './protocol.ts';

const drainBytesMax = 1024 * 1024;

export type LaunchOutcome = { readonly launched: TaskReport } | { readonly failed: { readonly index: number; readonly errno: number; readonly results: readonly number[] } } | { readonly declined: number } | { readonly ended: string } | { readonly refused: string };

export interface Tasks {
  launch(request: LaunchRequest, image: Launchable): Promise<LaunchOutcome>;
  adopt(request: Extract<Request, { ask: 'adopt' }>): TaskReport;
  /** For the launch of `task`. @returns the descriptor */
  setNetworkAside(task: string): number;
  closeStdin(task: string): void;
  release(task: string): void;
  reports(): readonly TaskReport[];
  /** No daemon is there: take output from the pipes into the spools, so that no program is held up. */
  drain(): void;
  /** A daemon is there: it takes. */
  stopDraining(): void;
}

interface Task {
  readonly name: string;
  /** A container's first process: its end is asked for even when both sides have died. That of an exec is not, nor is the exec known then. */
  readonly isFirst: boolean;
  readonly pid: number;
  readonly pidfd: Fd;
  readonly terminal: boolean;
  stdin: Fd | undefined;
  readonly stdout: Fd | undefined;
  readonly stderr: Fd | undefined;
  readonly spool: LaunchRequest['spool'];
  readonly spools: Map<string, Spool>;
  exit: TaskExit | undefined;
  /** Its root or all its mounts, held (plan/setting.ts, sends). */
  readonly mounts: Fd | undefined;
  /** The network namespace that it was launched into. */
  readonly network: Fd | undefined;
}

/** `exitsDir`: exits are also written here, for the case that this process is killed before a daemon asks. */
export function openTasks(readiness: Readiness, exitsDir: string, onExit: (task: string, exit: TaskExit) => void): Tasks {
  const tasks = new Map<string, Task>();
  const nothing = Fd.open('/dev/null', O.RDWR);
  const ownPidNamespace = Fd.open('/proc/self/ns/pid', O.RDONLY);
  // A number that is ours for sure: a child puts there, in its own table, what it sends.
  const ownPlace = Fd.open('/dev/null', O.RDONLY);
  const networks = new SpareNetworks();
  const setAside = new Map<string, Fd>();
  const unmounting = new Map<string, Promise<void>>();
  const orphans = new Orphans((pid) => [...tasks.values()].some((task) => task.pid === pid && task.exit === undefined));
  let draining = false;

  async function start(request: LaunchRequest, image: Launchable): Promise<LaunchOutcome> {
    // One overlay of the same directories at a time.
    await unmounting.get(request.task);
    if (tasks.has(request.task)) return { refused: `Task "${request.task}" exists` };
    const within = request.within === undefined ? undefined : tasks.get(request.within);
    if (request.within !== undefined && (within === undefined || within.exit !== undefined)) return { ended: request.within };
    using inner = new DisposableStack();
    using outer = new DisposableStack();
    const network = setAside.get(request.task) ?? (image.slots.has(slots.network) ? networks.take() : undefined);
    setAside.delete(request.task);
    if (network !== undefined) outer.use(network);
    const pipes = request.terminal ? undefined : openPipes(request.stdin, inner, outer);
    const { external } = request;
    const sendsMounts = image.slots.has(slots.rootSocket);
    const sendsTerminal = request.terminal && external === undefined;
    const sockets = sendsTerminal || sendsMounts ? socketPair() : undefined;
    for (const socket of sockets ?? []) inner.use(socket);
    const consoles = request.terminal && external !== undefined ? inner.use(new ConsoleListener(external)) : undefined;
    const fill = new Map<string, number>([
      [slots.stdin, (pipes?.stdin?.[0] ?? nothing).number], [slots.stdout, pipes?.stdout[1].number ?? -1], [slots.stderr, pipes?.stderr[1].number ?? -1],
      [slots.rootSocket, sockets?.[1].number ?? -1], [slots.rootPlace, ownPlace.number], [slots.rootMessage, ownPlace.number],
      [slots.consoleSocket, sockets?.[1].number ?? -1], [slots.consoleMaster, ownPlace.number], [slots.consoleMessage, ownPlace.number],
      [slots.stdinPipe, pipes?.stdin === undefined ? -1 : 0], [slots.network, network?.number ?? -1], [slots.init, within?.pidfd.number ?? -1], [slots.ownPidNamespace, ownPidNamespace.number],
    ]);
    if (request.lent !== undefined) borrowLent(request.lent, fill, inner);
    if (external !== undefined) orphans.adopt();
    const result = await launch(image, fill, readiness, request.image.opCount);
    const mounts = sendsMounts ? receiveFd(sockets![0]) : undefined;
    if (mounts !== undefined) outer.use(mounts);
    if (!result.ok) {
      unmount(request.task, mounts);
      return { failed: result.failure };
    }
    const made = external === undefined ? result.process : await processMadeBy(result.process, external, readiness);
    if ('declined' in made) {
      unmount(request.task, mounts);
      return made;
    }
    const master = sendsTerminal ? receiveFd(sockets![0]) : consoles?.take();
    const task: Task = {
      name: request.task, isFirst: within === undefined, ...made, terminal: request.terminal, spool: request.spool, spools: new Map(), exit: undefined, mounts, network,
      stdin: pipes?.stdin?.[1], stdout: master ?? pipes?.stdout[0], stderr: pipes?.stderr[0],
    };
    keep(task);
    outer.move();
    return { launched: report(task) };
  }

  function keep(task: Task): void {
    tasks.set(task.name, task);
    readiness.watch(task.pidfd, () => {
      readiness.unwatch(task.pidfd);
      void ended(task);
    });
    if (draining) drainTask(task);
  }

  async function ended(task: Task): Promise<void> {
    const exit = { code: await exitCodeOf(task), atMs: Date.now() };
    orphans.sweep();
    // Released while we looked.
    if (tasks.get(task.name) !== task) return;
    task.exit = exit;
    // Told first, which is faster; written down for the case that both sides die before the daemon has recorded it.
    onExit(task.name, exit);
    if (task.isFirst) writeDown(`${exitsDir}/${task.name}`, exit);
    unmount(task.name, task.mounts);
  }

  function unmount(task: string, mounts: Fd | undefined): void {
    if (mounts?.isOpen !== true) return;
    const done = mounts.closeElsewhere().finally(() => {
      if (unmounting.get(task) === done) unmounting.delete(task);
    });
    unmounting.set(task, done);
  }

  /** A namespace whose task will not be launched. */
  function giveBack(name: string): void {
    setAside.get(name)?.[Symbol.dispose]();
    setAside.delete(name);
  }

  /** Another daemon will not launch what its predecessor was about to. */
  function giveAllBack(): void {
    for (const name of setAside.keys()) giveBack(name);
  }

  function drainTask(task: Task): void {
    for (const [stream, fd] of [['stdout', task.stdout], ['stderr', task.stderr]] as const) {
      if (fd === undefined || !fd.isOpen) continue;
      readiness.watch(fd, () => {
        if (drainOnce(task, stream, fd) === 'end') readiness.unwatch(fd);
      });
    }
  }

  function drainOnce(task: Task, stream: 'stdout' | 'stderr', fd: Fd): 'more' | 'end' {
    if (task.spool === undefined) return discard(fd, task.terminal);
    let spool = task.spools.get(stream);
    if (spool === undefined) task.spools.set(stream, spool = new Spool(task.spool[stream]));
    try {
      return spool.take(fd, task.terminal, drainBytesMax) === 'end' ? 'end' : 'more';
    } catch (error) {
      // A full disk: the bytes stay in the pipe and the program waits, as it would at any full pipe, until a daemon decides.
      if (isKernelError(error, 'ENOSPC', 'EDQUOT')) return 'end';
      throw error;
    }
  }

  function discard(fd: Fd, terminal: boolean): 'more' | 'end' {
    const buffer = new Uint8Array(65536);
    try {
      return call('read', fd.number, buffer, buffer.length) === 0 ? 'end' : 'more';
    } catch (error) {
      if (isKernelError(error, 'EAGAIN')) return 'more';
      if (terminal && isKernelError(error, 'EIO')) return 'end';
      throw error;
    }
  }

  return {
    launch: (request, image) => orphans.spare(() => start(request, image)),
    adopt: (request) => {
      using lender = openPidfd(request.lender);
      const borrow = (number: number | undefined): Fd | undefined => (number === undefined ? undefined : borrowFd(lender, number));
      const task: Task = {
        name: request.task, isFirst: true, pid: request.pid, pidfd: borrowFd(lender, request.fds.pidfd), terminal: request.terminal, spool: request.spool, spools: new Map(), exit: undefined, mounts: undefined, network: borrow(request.fds.network),
        stdin: request.terminal ? undefined : borrow(request.fds.stdin), stdout: borrow(request.fds.stdout), stderr: borrow(request.fds.stderr),
      };
      keep(task);
      return report(task);
    },
    setNetworkAside: (name) => {
      setAside.get(name)?.[Symbol.dispose]();
      const network = networks.take();
      setAside.set(name, network);
      return network.number;
    },
    closeStdin: (name) => {
      const task = tasks.get(name);
      task?.stdin?.[Symbol.dispose]();
      if (task !== undefined) task.stdin = undefined;
    },
    release: (name) => {
      giveBack(name);
      const task = tasks.get(name);
      if (task === undefined) return;
      tasks.delete(name);
      unmount(name, task.mounts);
      for (const fd of [task.pidfd, task.stdout, task.stderr]) if (fd !== undefined) readiness.unwatch(fd);
      for (const fd of [task.pidfd, task.stdin, task.stdout, task.stderr, task.network]) fd?.[Symbol.dispose]();
      for (const spool of task.spools.values()) spool[Symbol.dispose]();
      if (task.isFirst) forget(`${exitsDir}/${name}`);
    },
    reports: () => [...tasks.values()].map(report),
    drain: () => {
      draining = true;
      giveAllBack();
      for (const task of tasks.values()) drainTask(task);
    },
    stopDraining: () => {
      draining = false;
      giveAllBack();
      for (const task of tasks.values()) {
        for (const fd of [task.stdout, task.stderr]) if (fd !== undefined) readiness.unwatch(fd);
        for (const spool of task.spools.values()) spool[Symbol.dispose]();
        task.spools.clear();
      }
    },
  };
}

/** Copies of what the daemon lends for the launch, in the slots that it names. */
function borrowLent({ lender, slots: lent }: NonNullable<LaunchRequest['lent']>, fill: Map<string, number>, owner: DisposableStack): void {
  using daemon = openPidfd(lender);
  for (const [name, number] of lent) fill.set(name, owner.use(borrowFd(daemon, number)).number);
}

/** `inner` closes the program's ends in any case, `outer` ours unless they stay with the task. */
function openPipes(stdin: boolean, inner: DisposableStack, outer: DisposableStack): { readonly stdin: [Fd, Fd] | undefined; readonly stdout: [Fd, Fd]; readonly stderr: [Fd, Fd] } {
  const input = stdin ? Fd.pipe() : undefined;
  const stdout = Fd.pipe();
  const stderr = Fd.pipe();
  for (const end of [input?.[0], stdout[1], stderr[1]]) if (end !== undefined) inner.use(end);
  for (const end of [input?.[1], stdout[0], stderr[0]]) if (end !== undefined) outer.use(end);
  return { stdin: input, stdout, stderr };
}

/** How often, and for how long in all, the kernel is asked about a stranger's child that its parent has not reaped yet. */
const strangerPollMs = 5;
const strangerPollsMax = 400;

/** The process has ended. Our own child is reaped; one that was adopted from a dead supervisor is reaped by init, and the kernel remembers how it ended. */
async function exitCodeOf(task: Task): Promise<number> {
  try {
    return reap(task.pidfd)?.code ?? 255;
  } catch (error) {
    if (!isKernelError(error, 'ECHILD')) throw error;
  }
  for (let polls = 0; polls < strangerPollsMax && task.pidfd.isOpen; polls++) {
    const status = exitStatusOfStranger(task.pidfd);
    if (status !== undefined) return status.code;
    await new Promise((resolve) => setTimeout(resolve, strangerPollMs));
  }
  // Nobody can know any more (kernels before 6.15).
  return 255;
}

function writeDown(path: string, exit: TaskExit): void {
  writeFileSync(`${path}.tmp`, JSON.stringify(exit), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

/** Its name goes at once: a next run may write its own. Its blocks go in a thread of the pool, for that waits for the disk; no directory is held for it. */
function forget(path: string): void {
  const gone = `${path}.${randomUUID()}.tmp`;
  try {
    renameSync(path, gone);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  unlink(gone, () => { /* What stays is a few bytes that nobody reads, in a directory that a reboot empties. */ });
}

function report(task: Task): TaskReport {
  return {
    task: task.name, pid: task.pid, terminal: task.terminal, exit: task.exit,
    fds: { pidfd: task.pidfd.number, stdin: task.terminal ? task.stdout?.number : task.stdin?.number, stdout: task.stdout?.number, stderr: task.stderr?.number, network: task.network?.number },
  };
}
