// Containers and execs as Docker's JSON: dockerd 28's fields, order and zero values. Docker's booleans of a state exist only here.
import { durationInWords, rfc3339, zeroTime } from '../base/index.ts';
import type { ContainerRecord, ContainerSize, ExecRecord, Health, State } from '../engine/index.ts';
import type { ContainerConfig, HostConfig } from '../spec/docker/container.ts';
import type {
  ContainerInspect, ContainerStatus, ContainerSummary, ExecInspect, HealthView, HostConfigView, StateView,
} from '../spec/docker/container-view.ts';
import { toMountView } from './mounts-to-docker.ts';
import { toNetworkSettings, toNetworksOfRow, toPortRows, type NetworkIds } from './endpoints-to-docker.ts';

/** A container whose start failed was never anything but created, to Docker's clients. */
export function statusOf(state: State): ContainerStatus {
  return state.status === 'exited' && state.startedAt === undefined ? 'created' : state.status;
}

/** The STATUS column of `docker ps`. */
export function statusInWords({ state, health }: Pick<ContainerRecord, 'state' | 'health'>, now: Date): string {
  const since = (time: Date): string => durationInWords(now.getTime() - time.getTime());
  if (state.status === 'created' || state.startedAt === undefined) return 'Created';
  if ('pid' in state) return `Up ${since(state.startedAt)}${state.status === 'paused' ? ' (Paused)' : healthInWords(health)}`;
  return `${state.status === 'restarting' ? 'Restarting' : 'Exited'} (${state.exitCode}) ${since(state.finishedAt)} ago`;
}

function healthInWords(health: ContainerRecord['health']): string {
  return health === undefined ? '' : ` (${health.status === 'starting' ? 'health: starting' : health.status})`;
}

export interface SummaryContext {
  readonly now: Date;
  /** Whether the name the container was made from still names its image; if not, its id is shown. */
  readonly isImageNameCurrent: boolean;
  /** Where it was asked for. */
  readonly size: ContainerSize | undefined;
  readonly networkIdOf: NetworkIds;
  /** By which others find it: `/parent/alias`. */
  readonly linkedAs: readonly string[];
}

export function toSummary(record: ContainerRecord, { now, isImageNameCurrent, size, networkIdOf, linkedAs }: SummaryContext): ContainerSummary {
  const { program, args } = commandOf(record.config);
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...linkedAs],
    Image: isImageNameCurrent ? record.config.Image : record.imageId,
    ImageID: record.imageId,
    Command: [program, ...args.map((word) => word.includes(' ') ? `'${word}'` : word)].join(' '),
    Created: Math.floor(record.createdAt.getTime() / 1000),
    Ports: toPortRows(record),
    // As dockerd has it: nothing written is not said.
    ...(size === undefined || size.writtenBytes === 0 ? {} : { SizeRw: size.writtenBytes }),
    ...(size === undefined ? {} : { SizeRootFs: size.rootBytes }),
    Labels: record.config.Labels,
    State: statusOf(record.state),
    Status: statusInWords(record, now),
    HostConfig: { NetworkMode: record.hostConfig.NetworkMode },
    NetworkSettings: { Networks: toNetworksOfRow(record, networkIdOf) },
    Mounts: record.mounts.map(toMountView),
  };
}

export interface InspectContext {
  /** Where it was asked for. */
  readonly size?: ContainerSize | undefined;
  readonly networkIdOf: NetworkIds;
  /** `/target:/name/alias`. */
  readonly links: readonly string[];
}

export function toInspect(record: ContainerRecord, { networkIdOf, size, links }: InspectContext): ContainerInspect {
  const { program, args } = commandOf(record.config);
  return {
    Id: record.id,
    Created: rfc3339(record.createdAt),
    Path: program,
    Args: args,
    State: toState(record),
    Image: record.imageId,
    ...filesOf(record),
    LogPath: record.logPath,
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: record.platform.os,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: (record.hostConfig.SecurityOpt ?? []).findLast((option) => /^apparmor[=:]/.test(option))?.slice('apparmor='.length) ?? '',
    ExecIDs: null,
    HostConfig: toHostConfig(record.hostConfig, links),
    GraphDriver: { Data: null, Name: 'overlay2' },
    ...(size === undefined ? {} : { SizeRw: size.writtenBytes, SizeRootFs: size.rootBytes }),
    Mounts: record.mounts.map(toMountView),
    Config: toConfig(record.config),
    NetworkSettings: toNetworkSettings(record, networkIdOf),
  };
}

/** Docker tells where they are from the first start on. */
function filesOf({ state, filesDir }: ContainerRecord): Pick<ContainerInspect, 'ResolvConfPath' | 'HostnamePath' | 'HostsPath'> {
  const wasStarted = state.status !== 'created' || state.failure !== undefined;
  const at = (name: string): string => (wasStarted ? `${filesDir}/${name}` : '');
  return { ResolvConfPath: at('resolv.conf'), HostnamePath: at('hostname'), HostsPath: at('hosts') };
}

export function toState({ state, health }: Pick<ContainerRecord, 'state' | 'health'>): StateView {
  const end = state.status === 'exited' || state.status === 'restarting' ? state : undefined;
  const failure = state.status === 'created' ? state.failure : undefined;
  return {
    Status: statusOf(state),
    Running: state.status === 'running' || state.status === 'paused' || state.status === 'restarting',
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: end?.oomKilled ?? false,
    Dead: false,
    Pid: 'pid' in state ? state.pid : 0,
    ExitCode: end?.exitCode ?? failure?.exitCode ?? 0,
    Error: end?.error ?? failure?.message ?? '',
    StartedAt: state.status === 'created' ? zeroTime : rfc3339(state.startedAt),
    FinishedAt: end?.startedAt === undefined ? zeroTime : rfc3339(end.finishedAt),
    ...(health === undefined ? {} : { Health: toHealth(health) }),
  };
}

function toHealth({ status, failingStreak, log }: Health): HealthView {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ startedAt, endedAt, exitCode, output }) => ({ Start: rfc3339(startedAt), End: rfc3339(endedAt), ExitCode: exitCode, Output: output })),
  };
}

function commandOf({ Entrypoint, Cmd }: ContainerConfig): { readonly program: string; readonly args: readonly string[] } {
  const [program = '', ...args] = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  return { program, args };
}

function toConfig(config: ContainerConfig): ContainerConfig {
  const { ExposedPorts, Healthcheck, MacAddress, NetworkDisabled, StopSignal, StopTimeout, Shell } = config;
  return {
    Hostname: config.Hostname,
    Domainname: config.Domainname,
    User: config.User,
    AttachStdin: config.AttachStdin,
    AttachStdout: config.AttachStdout,
    AttachStderr: config.AttachStderr,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    Tty: config.Tty,
    OpenStdin: config.OpenStdin,
    StdinOnce: config.StdinOnce,
    Env: config.Env,
    Cmd: config.Cmd,
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
    Image: config.Image,
    Volumes: config.Volumes,
    WorkingDir: config.WorkingDir,
    Entrypoint: config.Entrypoint,
    ...(NetworkDisabled === undefined ? {} : { NetworkDisabled }),
    ...(MacAddress === undefined || MacAddress === '' ? {} : { MacAddress }),
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels,
    ...(StopSignal === undefined ? {} : { StopSignal }),
    ...(StopTimeout === undefined ? {} : { StopTimeout }),
    ...(Shell === undefined ? {} : { Shell }),
  };
}

function toHostConfig(host: HostConfig, links: InspectContext['links']): HostConfigView {
  const { Annotations, Mounts, Tmpfs, Sysctls, Init, PublishMode } = host;
  return {
    Binds: host.Binds,
    ContainerIDFile: host.ContainerIDFile,
    LogConfig: host.LogConfig,
    NetworkMode: host.NetworkMode,
    PortBindings: host.PortBindings,
    RestartPolicy: host.RestartPolicy,
    AutoRemove: host.AutoRemove,
    VolumeDriver: host.VolumeDriver,
    VolumesFrom: host.VolumesFrom,
    ConsoleSize: host.ConsoleSize,
    ...(Annotations === undefined ? {} : { Annotations }),
    CapAdd: host.CapAdd,
    CapDrop: host.CapDrop,
    CgroupnsMode: host.CgroupnsMode,
    Dns: host.Dns,
    DnsOptions: host.DnsOptions,
    DnsSearch: host.DnsSearch,
    ExtraHosts: host.ExtraHosts,
    GroupAdd: host.GroupAdd,
    IpcMode: host.IpcMode,
    Cgroup: '',
    Links: links.length === 0 ? null : links,
    OomScoreAdj: host.OomScoreAdj,
    PidMode: host.PidMode,
    Privileged: host.Privileged,
    PublishAllPorts: host.PublishAllPorts,
    ReadonlyRootfs: host.ReadonlyRootfs,
    SecurityOpt: host.SecurityOpt,
    ...(Mounts === undefined ? {} : { Mounts }),
    ...(Tmpfs === undefined ? {} : { Tmpfs }),
    UTSMode: host.UTSMode,
    UsernsMode: host.UsernsMode,
    ShmSize: host.ShmSize,
    ...(Sysctls === undefined ? {} : { Sysctls }),
    Runtime: host.Runtime,
    Isolation: host.Isolation,
    ...toResources(host),
    MaskedPaths: host.MaskedPaths,
    ReadonlyPaths: host.ReadonlyPaths,
    ...(Init === undefined ? {} : { Init }),
    ...(PublishMode === undefined ? {} : { PublishMode }),
  };
}

function toResources(host: HostConfig) {
  return {
    CpuShares: host.CpuShares,
    Memory: host.Memory,
    NanoCpus: host.NanoCpus,
    CgroupParent: host.CgroupParent,
    BlkioWeight: host.BlkioWeight,
    BlkioWeightDevice: host.BlkioWeightDevice,
    BlkioDeviceReadBps: host.BlkioDeviceReadBps,
    BlkioDeviceWriteBps: host.BlkioDeviceWriteBps,
    BlkioDeviceReadIOps: host.BlkioDeviceReadIOps,
    BlkioDeviceWriteIOps: host.BlkioDeviceWriteIOps,
    CpuPeriod: host.CpuPeriod,
    CpuQuota: host.CpuQuota,
    CpuRealtimePeriod: host.CpuRealtimePeriod,
    CpuRealtimeRuntime: host.CpuRealtimeRuntime,
    CpusetCpus: host.CpusetCpus,
    CpusetMems: host.CpusetMems,
    Devices: host.Devices,
    DeviceCgroupRules: host.DeviceCgroupRules,
    DeviceRequests: null,
    MemoryReservation: host.MemoryReservation,
    MemorySwap: host.MemorySwap,
    MemorySwappiness: host.MemorySwappiness,
    OomKillDisable: host.OomKillDisable,
    PidsLimit: host.PidsLimit,
    Ulimits: host.Ulimits,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
}

export function toExecInspect({ id, containerId, config, state }: ExecRecord): ExecInspect {
  const [entrypoint = '', ...args] = config.Cmd;
  return {
    ID: id,
    Running: state.status === 'running',
    ExitCode: state.status === 'exited' ? state.exitCode : null,
    ProcessConfig: { tty: config.Tty, entrypoint, arguments: args, privileged: config.Privileged, ...(config.User === '' ? {} : { user: config.User }) },
    OpenStdin: config.AttachStdin,
    OpenStderr: config.AttachStderr,
    OpenStdout: config.AttachStdout,
    CanRemove: false,
    ContainerID: containerId,
    DetachKeys: config.DetachKeys ?? '',
    Pid: state.status === 'created' ? 0 : state.pid,
  };
}
