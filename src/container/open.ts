// Opens the containers of a data root: their records, the supervisor that holds what runs, and the verbs.
import type { Logger } from 'pino';
import { messageOf, SerialQueue, type ContainerId, type Digest } from '../base/index.ts';
import { Readiness, setWindowSize, type Cgroups } from '../kernel/index.ts';
import type { Networks } from '../network/index.ts';
import { connectSupervisor, type Supervisor, type TaskExit } from '../runtime/index.ts';
import type { Platform } from '../spec/oci/image.ts';
import type { CreateContainerRequest, EndpointSettings, ExecConfig, UpdateContainerRequest } from '../spec/docker/container.ts';
import type { PackedTar, Storage } from '../storage/index.ts';
import type { Volumes } from '../volume/index.ts';
import { afterRun } from './after-run.ts';
import { exportRoot, openDestination, readArchive, statPath, writeArchive } from './archive.ts';
import { attachContainer } from './attach.ts';
import { runBuildStep, type BuildStep, type BuildStepEnd } from './build-step.ts';
import { changesOf, commitContainer } from './commit.ts';
import type { AttachOptions, Attachment, ContainerRecord, Containers, ExecRecord, ExecStart, ExplainedStep, LogEntry, LogOptions, Pruned, StopOptions, WaitCondition, WaitResult } from './container.ts';
import { Copies } from './copies.ts';
import { createContainer } from './create.ts';
import { createExec, findExec, killExec, recordExecExit, resizeExec, startExec, waitExec } from './exec.ts';
import { ownRuntime, Runtimes, type RuntimeSettings } from './external/index.ts';
import type { Happening } from './happening.ts';
import type { CommitOptions, FileChange, PathArchive, PathStat, WriteArchiveOptions } from './file-verbs.ts';
import { readHost } from './host.ts';
import { unlink } from './links.ts';
import { readContainerLog } from './logs.ts';
import { connectNetwork, disconnectNetwork } from './endpoints/verbs.ts';
import { pauseContainer, unpauseContainer } from './pause.ts';
import type { ImagePort } from './ports.ts';
import { Programs } from './programs.ts';
import { adoptAfterLoss, recover } from './recover.ts';
import { pruneContainers } from './prune.ts';
import { removeContainer } from './remove.ts';
import { renameContainer } from './rename.ts';
import { restartAtDaemonStart, restartContainer } from './restart.ts';
import { taskOf, type Room } from './room.ts';
import { SeccompFilters } from './seccomp.ts';
import { Shelf } from './shelf.ts';
import { allow } from './state.ts';
import { sizeOf, type ContainerSize } from './size.ts';
import { Sampler, type StatsSample, type StatsWatcher } from './stats.ts';
import { explainStart, startContainer } from './start.ts';
import { killContainer, stopContainer } from './stop.ts';
import { recordExit } from './task.ts';
import { topContainer, type ProcessTable } from './top.ts';
import { updateContainer } from './update.ts';
import { Waiters } from './waiters.ts';

export interface ContainersOptions {
  readonly storage: Storage;
  readonly images: ImagePort;
  readonly cgroups: Cgroups;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly runDir: string;
  /** The supervisor's command line, its first word an absolute path. */
  readonly supervisorCommand: readonly string[];
  /** Absent: ours, and those that are installed. */
  readonly runtimes?: RuntimeSettings | undefined;
  readonly log: Logger;
  /** Hears of everything that happens to containers, right after it has. Must not throw: the change stands. */
  readonly tell: (happening: Happening) => void;
}

export async function openContainers(options: ContainersOptions): Promise<Containers & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const readiness = opened.use(new Readiness());
  const host = readHost();
  const runtimes = new Runtimes(options.runtimes ?? { added: new Map(), defaultName: ownRuntime });
  const queues = new Map<string, SerialQueue>();
  const early: [string, TaskExit][] = [];
  let room: Room | undefined;

  const connect = (): Promise<Supervisor> => connectSupervisor(options.runDir, options.supervisorCommand, readiness, {
    onExit: (task, exit) => (room === undefined ? void early.push([task, exit]) : onExit(room, task, exit)),
    onLost: () => {
      if (room !== undefined) room.supervised = replaceSupervisor(room, connect);
    },
  });
  const supervisor = await connect();
  const ready: Room = {
    ...options, shelf: new Shelf(options.storage.records), readiness, host, runtimes, seccomp: new SeccompFilters(host.kernelRelease), programs: new Programs(), execPrograms: new Programs(), supervisor, supervised: Promise.resolve(),
    waiters: new Waiters(), live: new Map(), execs: new Map(), steps: new Map(), logs: new Map(), aftermath: new Map(), restarts: new Map(), monitors: new Map(), isPruning: false, delays: new Map(), pending: new Map(), copies: new Copies(),
    queueOf: (id) => {
      const queue = queues.get(id) ?? new SerialQueue();
      queues.set(id, queue);
      return queue;
    },
  };
  room = ready;
  await recover(ready);
  for (const [task, exit] of early) onExit(ready, task, exit);
  restartAtDaemonStart(ready);
  const all = opened.move();
  return new StoredContainers(ready, all);
}

/** An exit is recorded apart from the queue: a stop that waits for it holds the queue. */
function onExit(room: Room, taskId: string, exit: TaskExit): void {
  recordTask(room, taskId, exit).catch((error: unknown) => room.log.error({ task: taskId, error: error instanceof Error ? error.stack : String(error) }, 'an exit could not be recorded'));
}

async function recordTask(room: Room, taskId: string, exit: TaskExit): Promise<void> {
  const task = room.live.get(taskId);
  const exec = room.execs.get(taskId);
  const step = room.steps.get(taskId);
  if (task !== undefined) {
    const record = room.shelf.get(taskId);
    await recordExit(room, record, task, exit);
    if (!task.restarts) await afterRun(room, record.id);
  } else if (exec !== undefined) await recordExecExit(room, exec, exit);
  else if (step !== undefined) step.exited.resolve(exit);
  else await room.supervisor.release(taskId);
}

/** A container that is to go after its run goes after a start that failed, too. */
async function startOrRemove(room: Room, record: ContainerRecord): Promise<void> {
  try {
    await startContainer(room, record);
  } catch (error) {
    const { state } = room.shelf.get(record.id);
    if (record.hostConfig.AutoRemove && state.status === 'created') {
      room.waiters.ended({ ...record, state: { ...state, failure: state.failure ?? { exitCode: 128, message: messageOf(error) } } });
      await removeContainer(room, record.id, { force: false, volumes: true });
    }
    throw error;
  }
}

/** The supervisor died: containers live on (we hold their descriptors); a new supervisor takes them over. */
async function replaceSupervisor(room: Room, connect: () => Promise<Supervisor>): Promise<void> {
  room.log.warn('the supervisor died; starting another');
  try {
    room.supervisor[Symbol.dispose]();
    room.supervisor = await connect();
    await adoptAfterLoss(room);
  } catch (error) {
    room.log.error({ error: messageOf(error) }, 'no supervisor can be had: containers cannot be started until the daemon is restarted');
  }
}

class StoredContainers implements Containers, AsyncDisposable {
  readonly #room: Room;
  readonly #resources: AsyncDisposableStack;
  readonly #sampler: Sampler;

  constructor(room: Room, resources: AsyncDisposableStack) {
    this.#room = room;
    this.#resources = resources;
    this.#sampler = new Sampler(room.cgroups, (id) => room.shelf.find(id), room.log);
  }

  create(request: CreateContainerRequest, options: { readonly name?: string | undefined; readonly platform?: Platform | undefined }): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }> {
    return createContainer(this.#room, request, options);
  }

  get(idOrName: string): ContainerRecord {
    return this.#room.shelf.get(idOrName);
  }

  runtimes(): ReturnType<Containers['runtimes']> {
    const { runtimes } = this.#room;
    return { runtimes: runtimes.list(), defaultRuntime: runtimes.defaultName };
  }

  list(): readonly ContainerRecord[] {
    return this.#room.shelf.list();
  }

  async size(idOrName: string): Promise<ContainerSize> {
    return sizeOf(this.#room, this.get(idOrName));
  }

  async top(idOrName: string, psArguments: string): Promise<ProcessTable> {
    return topContainer(this.#room, this.get(idOrName), psArguments);
  }

  stats(idOrName: string): StatsSample | undefined {
    return this.#sampler.sample(this.get(idOrName));
  }

  watchStats(idOrName: string, watcher: StatsWatcher): Disposable {
    return this.#sampler.watch(this.get(idOrName).id, watcher);
  }

  async start(idOrName: string): Promise<void> {
    const { id } = this.get(idOrName);
    await this.#inQueue(id, (record) => startOrRemove(this.#room, record));
  }

  async stop(idOrName: string, options: StopOptions): Promise<void> {
    await stopContainer(this.#room, this.get(idOrName), options);
  }

  async kill(idOrName: string, signal: string): Promise<void> {
    await killContainer(this.#room, this.get(idOrName), signal);
  }

  async pause(idOrName: string): Promise<void> {
    await this.#inQueue(this.get(idOrName).id, (record) => pauseContainer(this.#room, record));
  }

  async unpause(idOrName: string): Promise<void> {
    await this.#inQueue(this.get(idOrName).id, (record) => unpauseContainer(this.#room, record));
  }

  async restart(idOrName: string, options: StopOptions): Promise<void> {
    await restartContainer(this.#room, this.get(idOrName), options);
  }

  async rename(idOrName: string, name: string): Promise<void> {
    await this.#inQueue(this.get(idOrName).id, (record) => renameContainer(this.#room, record, name));
  }

  async connectNetwork(idOrName: string, network: string, settings: EndpointSettings): Promise<void> {
    await this.#inQueue(this.get(idOrName).id, (record) => connectNetwork(this.#room, record, network, settings));
  }

  async disconnectNetwork(idOrName: string, network: string, options: { readonly force: boolean }): Promise<void> {
    await this.#inQueue(this.get(idOrName).id, (record) => disconnectNetwork(this.#room, record, network, options));
  }

  async remove(idOrName: string, options: { readonly force: boolean; readonly volumes: boolean }): Promise<void> {
    const { id } = this.get(idOrName);
    await this.#room.queueOf(id).run(() => removeContainer(this.#room, id, options));
  }

  async unlink(path: string): Promise<void> {
    const [parent = ''] = path.replace(/^\//, '').split('/');
    await this.#inQueue(this.get(parent).id, async (record) => unlink(this.#room, record, path));
  }

  async update(idOrName: string, request: UpdateContainerRequest): Promise<readonly string[]> {
    return this.#inQueue(this.get(idOrName).id, (record) => updateContainer(this.#room, record, request));
  }

  async prune(isChosen: (record: ContainerRecord) => boolean): Promise<Pruned> {
    return pruneContainers(this.#room, isChosen);
  }

  async wait(idOrName: string, condition: WaitCondition, signal: AbortSignal): Promise<WaitResult> {
    return this.#room.waiters.wait(this.get(idOrName), condition, signal);
  }

  async resize(idOrName: string, size: { readonly rows: number; readonly columns: number }): Promise<void> {
    const record = this.get(idOrName);
    allow('resize', record);
    const task = taskOf(this.#room, record.id);
    if (record.config.Tty && task.fds.stdout?.isOpen === true) setWindowSize(task.fds.stdout, size);
    this.#room.tell({ kind: 'resize', container: record, ...size });
  }

  async attach(idOrName: string, options: AttachOptions): Promise<Attachment> {
    return attachContainer(this.#room, this.get(idOrName), options);
  }

  logs(idOrName: string, options: LogOptions): AsyncIterable<LogEntry> {
    return readContainerLog(this.#room, this.get(idOrName), options);
  }

  async createExec(idOrName: string, config: ExecConfig): Promise<string> {
    return createExec(this.#room, this.get(idOrName), config);
  }

  getExec(execId: string): ExecRecord {
    return findExec(this.#room, execId).record;
  }

  async startExec(execId: string, options: ExecStart): Promise<Attachment | undefined> {
    return startExec(this.#room, findExec(this.#room, execId), options);
  }

  async resizeExec(execId: string, size: { readonly rows: number; readonly columns: number }): Promise<void> {
    resizeExec(findExec(this.#room, execId), size);
  }

  async waitExec(execId: string): Promise<number> {
    return waitExec(findExec(this.#room, execId));
  }

  async killExec(execId: string, signal: string): Promise<void> {
    killExec(findExec(this.#room, execId), signal);
  }

  async statPath(idOrName: string, path: string): Promise<PathStat> {
    return statPath(this.#room, this.get(idOrName), path, idOrName);
  }

  async readArchive(idOrName: string, path: string): Promise<PathArchive> {
    const record = this.get(idOrName);
    const archive = await readArchive(this.#room, record, path, idOrName);
    this.#room.tell({ kind: 'archive-path', container: record });
    return archive;
  }

  async writeArchive(idOrName: string, path: string, tar: AsyncIterable<Uint8Array>, options: WriteArchiveOptions): Promise<void> {
    const { id } = this.get(idOrName);
    const destination = await this.#inQueue(id, async (record) => openDestination(this.#room, record, path, options.asUser, idOrName));
    await writeArchive(this.#room, destination, tar, options);
    const record = this.#room.shelf.find(id);
    if (record !== undefined) this.#room.tell({ kind: 'extract-to-dir', container: record });
  }

  async changes(idOrName: string): Promise<readonly FileChange[]> {
    return changesOf(this.#room, this.get(idOrName));
  }

  async exportRoot(idOrName: string): Promise<PackedTar> {
    const record = this.get(idOrName);
    const tar = await exportRoot(this.#room, record);
    this.#room.tell({ kind: 'export', container: record });
    return tar;
  }

  async commit(idOrName: string, options: CommitOptions): Promise<Digest> {
    return this.#inQueue(this.get(idOrName).id, (record) => commitContainer(this.#room, record, options));
  }

  runStep(step: BuildStep): Promise<BuildStepEnd> {
    return runBuildStep(this.#room, step);
  }

  async explain(idOrName: string): Promise<readonly ExplainedStep[]> {
    return explainStart(this.#room, this.get(idOrName));
  }

  /** Runs a verb on the record as it is when its turn comes. */
  #inQueue<T>(id: ContainerId, verb: (record: ContainerRecord) => Promise<T>): Promise<T> {
    return this.#room.queueOf(id).run(() => verb(this.#room.shelf.get(id)));
  }

  /** Containers go on; a supervisor without any is ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#sampler[Symbol.dispose]();
    for (const waiting of [this.#room.restarts, this.#room.monitors]) for (const one of waiting.values()) one[Symbol.dispose]();
    await Promise.all(this.#room.aftermath.values());
    await this.#room.supervisor.shutdown();
    this.#room.supervisor[Symbol.dispose]();
    for (const task of [...this.#room.live.values(), ...[...this.#room.execs.values()].map((exec) => exec.task)]) {
      task?.streams[Symbol.dispose]();
      task?.fds.pidfd[Symbol.dispose]();
      task?.fds.network?.[Symbol.dispose]();
    }
    await this.#resources.disposeAsync();
  }
}
