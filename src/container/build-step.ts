// One RUN of a build: a program on layers, in a container that no list shows and no record keeps. What it changes becomes a layer, as commit makes it.
//
// Its life is one call. A daemon that dies in between leaves a directory below containers/ without a record, a cgroup of that name, and a task at the
// supervisor: the next one ends and removes them (recover.ts).
import { fail, messageOf, newContainerId, shortId, type ContainerId, type Digest } from '../base/index.ts';
import { O, openIn, S, statFd, type Fd } from '../kernel/index.ts';
import { heldSlot, type TaskExit, type TaskReport } from '../runtime/index.ts';
import type { ContainerConfig, HostConfig } from '../spec/docker/container.ts';
import type { Platform } from '../spec/oci/image.ts';
import type { Mount } from '../spec/oci/runtime.ts';
import { explainDiskFull, pack, type Layer } from '../storage/index.ts';
import type { ContainerRecord, OutputChunk } from './container.ts';
import { discardWhatCannotBe, limitFactsOf } from './discard.ts';
import { connectionsOf } from './endpoints/connections.ts';
import { identityOf } from './endpoints/files.ts';
import { prepareNetwork } from './endpoints/prepare.ts';
import { ownRuntime } from './external/index.ts';
import { endGroup } from './group.ts';
import { checkExtraHosts, writeIdentityFiles } from './identity-files.ts';
import { mergeHostConfig } from './merge.ts';
import { sitAt, type LiveFds, type StepTerminal } from './build-terminal.ts';
import { cgroupPathOf, type Room } from './room.ts';
import { startImage, startSpec } from './start.ts';
import { startFailureOf } from './start-failure.ts';
import { openStreams, type Streams } from './streams/index.ts';
import { leaveNetworks } from './task.ts';

/** What the builds of a daemon may set of a step's container. */
export type StepLimits = Pick<HostConfig, 'ShmSize' | 'Ulimits' | 'Memory' | 'MemorySwap' | 'CpuShares' | 'CpuPeriod' | 'CpuQuota' | 'CpusetCpus' | 'CpusetMems'>;

/** What a step is shown besides its own files. */
export interface StepMount {
  /** Absolute. */
  readonly destination: string;
  /** Opens a mount that is nowhere yet, which a start takes; undefined: a tmpfs of its own. */
  readonly source: (() => Fd) | undefined;
  readonly options: readonly string[];
}

export interface BuildStep {
  /** Lowest first. */
  readonly layers: readonly Digest[];
  readonly platform: Platform;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  /** A network by name, `none`, `host`, `container:x`. */
  readonly network: string;
  /** With all rights of the machine. */
  readonly isPrivileged: boolean;
  /** `name:address`. */
  readonly extraHosts: readonly string[];
  readonly limits: StepLimits;
  readonly mounts: readonly StepMount[];
  /** Some of the environment may be kept nowhere, not even in the memory of this daemon. */
  readonly hasSecrets: boolean;
  /** Called with what the program changed before it becomes a layer. */
  readonly onChanges: (changes: Fd) => void;
  /** The program failed: its files, mounts and limits are there until this resolves. */
  readonly onFailure: (end: { readonly exitCode: number; readonly oomKilled: boolean }, run: RunInStep) => Promise<void>;
  /** Seconds since 1970: no time of the layer is later. */
  readonly latestSeconds: number | undefined;
  readonly onStarted: (id: ContainerId) => void;
  readonly onOutput: (chunk: OutputChunk) => void;
  readonly signal: AbortSignal;
}

/** Runs a program in the step as it was when it failed, until it ends or its terminal goes. */
export type RunInStep = (command: readonly string[], terminal: StepTerminal) => Promise<void>;

/** The layer is there when the program ended well. */
export type BuildStepEnd = { readonly exitCode: 0; readonly oomKilled: boolean; readonly layer: Layer } | { readonly exitCode: number; readonly oomKilled: boolean; readonly layer: undefined };

/** What of a step the supervisor's reports concern. */
export interface LiveStep {
  task: TaskReport | undefined;
  fds: LiveFds | undefined;
  readonly exited: PromiseWithResolvers<TaskExit>;
}

/** @throws what start throws, and the reason of the signal */
export async function runBuildStep(room: Room, step: BuildStep): Promise<BuildStepEnd> {
  step.signal.throwIfAborted();
  const record = recordOf(room, step);
  using undo = new DisposableStack();
  undo.defer(() => room.storage.snapshots.removeSnapshot(record.id));
  room.storage.snapshots.prepare(record.id, record.layers);
  try {
    writeIdentityFiles(room.storage.containerDir(record.id), identityOf(room.networks, record));
  } catch (error) {
    throw explainDiskFull(error, room.storage.rootDir);
  }
  const { code, oomKilled } = await runToEnd(room, record, step, { terminal: false, talk: (streams) => listen(streams, step), onStarted: () => step.onStarted(record.id) });
  if (code !== 0) await step.onFailure({ exitCode: code, oomKilled }, (command, terminal) => runAgain(room, record, step, command, terminal));
  return code === 0 ? { exitCode: 0, oomKilled, layer: await layerOf(room, record, step) } : { exitCode: code, oomKilled, layer: undefined };
}

async function layerOf(room: Room, { id }: ContainerRecord, { signal, latestSeconds, onChanges }: BuildStep): Promise<Layer> {
  using changed = room.storage.snapshots.openChanges(id);
  onChanges(changed);
  await using tar = pack({ what: 'directory', dir: openIn(changed, '.', O.RDONLY | O.DIRECTORY, 'plain'), as: undefined, form: 'layer', latestSeconds });
  return await room.storage.snapshots.unpack(tar.bytes, { signal });
}

/** How a program of the step is talked to. */
interface Talk {
  readonly terminal: boolean;
  readonly talk: (streams: Streams, fds: LiveFds) => Promise<void>;
  readonly onStarted: () => void;
}

async function listen(streams: Streams, { onOutput }: BuildStep): Promise<void> {
  await using attachment = streams.attach({ stdin: false, stdout: true, stderr: true });
  for await (const chunk of attachment.output) onOutput(chunk);
}

/** On the same files and mounts; a root that was mounted volatile may be mounted once more. */
async function runAgain(room: Room, record: ContainerRecord, step: BuildStep, command: readonly string[], terminal: StepTerminal): Promise<void> {
  room.storage.snapshots.forgetVolatile(record.id);
  const gone = new AbortController();
  const leave = (): void => gone.abort(new Error('Nobody is at the terminal any more'));
  terminal.stream.once('close', leave);
  const { rows, columns } = terminal.size;
  const again: ContainerRecord = { ...record, config: { ...record.config, Cmd: command, Tty: true, OpenStdin: true, AttachStdin: true }, hostConfig: { ...record.hostConfig, ConsoleSize: [rows, columns] } };
  try {
    await runToEnd(room, again, { ...step, signal: AbortSignal.any([step.signal, gone.signal]) }, { terminal: true, talk: (streams, fds) => sitAt(terminal, streams, fds), onStarted: () => undefined });
  } catch (error) {
    step.signal.throwIfAborted();
    if (!gone.signal.aborted) terminal.stream.write(`${messageOf(error)}\r\n`);
  } finally {
    terminal.stream.off('close', leave);
  }
}

async function runToEnd(room: Room, record: ContainerRecord, step: BuildStep, { terminal, talk, onStarted }: Talk): Promise<{ readonly code: number; readonly oomKilled: boolean }> {
  const { id } = record;
  const cgroupPath = cgroupPathOf(id, '');
  const live: LiveStep = { task: undefined, fds: undefined, exited: Promise.withResolvers() };
  const end = (): void => room.cgroups.killAll(cgroupPath);
  await room.supervised;
  await using network = prepareNetwork(room, record);
  const spec = startSpec(room, record, { mounts: step.mounts.map(ociMount) });
  await using undo = new AsyncDisposableStack();
  const held = step.mounts.flatMap(({ destination, source }) => (source === undefined ? [] : [{ destination, source: undo.use(source()) }]));
  undo.defer(() => endGroup(room, record));
  room.cgroups.create(cgroupPath, spec.linux.resources ?? {});
  room.steps.set(id, live);
  undo.defer(() => void room.steps.delete(id));
  const image = startImage(room, record, spec, new Map(held.map(({ destination, source }) => [destination, { number: source.number, isFile: !isDirectory(source) }])), { isRemembered: !step.hasSecrets });
  const joined = await network?.join();
  if (joined !== undefined && 'failure' in joined) throw joined.failure.error;
  onStarted();
  const answer = await room.supervisor.launch({ task: id, terminal, stdin: terminal, ...lentOf(held) }, image);
  if ('failed' in answer) throw startFailureOf(image, answer.failed, spec.process.args, spec.process.cwd).error;
  if (!('launched' in answer)) throw new Error('The supervisor answered for another runtime');
  network?.keep();
  undo.defer(() => room.supervisor.release(id));
  undo.defer(() => leaveNetworks(room, id));
  live.task = answer.launched;
  step.signal.addEventListener('abort', end);
  undo.defer(() => step.signal.removeEventListener('abort', end));
  if (step.signal.aborted) end();
  const exit = await readToEnd(room, live, answer.launched, talk);
  step.signal.throwIfAborted();
  return { code: exit.code, oomKilled: room.cgroups.oomKills(cgroupPath) > 0 };
}

function ociMount({ destination, source, options }: StepMount): Mount {
  return source === undefined ? { destination, type: 'tmpfs', source: 'tmpfs', options } : { destination, type: 'bind', source: 'bind', options: ['rbind', 'rprivate', ...options] };
}

function isDirectory(source: Fd): boolean {
  return (statFd(source).mode & S.IFMT) === S.IFDIR;
}

/** What is held here is lent to the launch by its descriptors. */
function lentOf(held: readonly { readonly destination: string; readonly source: Fd }[]): Pick<Parameters<Room['supervisor']['launch']>[0], 'lent'> {
  return held.length === 0 ? {} : { lent: { lender: process.pid, slots: held.map(({ destination, source }) => [heldSlot(destination), source.number]) } };
}

async function readToEnd(room: Room, live: LiveStep, report: TaskReport, talk: Talk['talk']): Promise<TaskExit> {
  const fds = room.supervisor.borrow(report.fds);
  live.fds = fds;
  try {
    using streams = openStreams({ stdout: fds.stdout!, stderr: fds.stderr, stdin: fds.stdin, terminal: report.terminal, readiness: room.readiness, stdinOnce: false, onStdinClosed: () => undefined });
    const talking = talk(streams, fds);
    const exit = await live.exited.promise;
    await streams.finish();
    await talking;
    return exit;
  } finally {
    fds.pidfd[Symbol.dispose]();
    fds.network?.[Symbol.dispose]();
  }
}

/** @throws `invalid` in dockerd's words for limits, networks and hosts that cannot be */
function recordOf(room: Room, step: BuildStep): ContainerRecord {
  const id = newContainerId();
  checkExtraHosts(step.extraHosts);
  const { hostConfig } = discardWhatCannotBe(mergeHostConfig({ ...plainHostConfig, ...step.limits, NetworkMode: step.network, ExtraHosts: step.extraHosts, Privileged: step.isPrivileged, ...step.isPrivileged ? { CgroupnsMode: '' } : {} }, room.host), limitFactsOf(room));
  if (step.workingDir !== '' && !step.workingDir.startsWith('/')) throw fail('invalid', `the working directory '${step.workingDir}' is invalid, it needs to be an absolute path`);
  const config: ContainerConfig = {
    Hostname: hostConfig.NetworkMode === 'host' ? room.host.hostname : shortId(id), Domainname: '', User: step.user, AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, OpenStdin: false, StdinOnce: false,
    Env: step.environment, Cmd: step.command, Entrypoint: null, Image: '', Volumes: null, WorkingDir: step.workingDir, Labels: {},
  };
  return {
    id, name: `build-${shortId(id)}`, createdAt: new Date(), imageId: '' as Digest, platform: step.platform, layers: step.layers, config, hostConfig, mounts: [],
    connections: connectionsOf(room.networks, { hostConfig, endpoints: {}, mac: '' }), links: [], state: { status: 'created' }, restartCount: 0, logPath: '', filesDir: room.storage.containerDir(id),
  };
}

/** Nothing asked for. AutoRemove: its root may be lost in a crash. */
const plainHostConfig: HostConfig = {
  Binds: null, VolumesFrom: null, VolumeDriver: '', ContainerIDFile: '', NetworkMode: '', PortBindings: {}, Links: null, LogConfig: { Type: 'none', Config: {} }, RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, AutoRemove: true, CapAdd: null, CapDrop: null,
  CgroupnsMode: 'private', ConsoleSize: [0, 0], ExtraHosts: null, Dns: [], DnsOptions: [], DnsSearch: [], GroupAdd: null, IpcMode: 'private', PidMode: '', UTSMode: '', UsernsMode: '', OomScoreAdj: 0, Privileged: false,
  PublishAllPorts: false, ReadonlyRootfs: false, SecurityOpt: null, ShmSize: 64 << 20, Runtime: ownRuntime, Isolation: '', CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: '', BlkioWeight: 0, BlkioWeightDevice: [],
  BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [], BlkioDeviceReadIOps: [], BlkioDeviceWriteIOps: [], CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, CpusetCpus: '', CpusetMems: '', Devices: [],
  DeviceCgroupRules: null, MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: null, OomKillDisable: null, PidsLimit: null, Ulimits: null, MaskedPaths: null, ReadonlyPaths: null,
};
