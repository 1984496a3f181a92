// From flags to the body of POST /containers/create, field by field what Docker's client sends for the same flags.
import type { CreateBody } from '../../client/index.ts';
import type { DeviceMapping, PortBindings } from '../../spec/docker/container.ts';
import { Complaint } from '../errors.ts';
import type { Values } from '../flags.ts';
import { readEnvironmentFile, readLabelFile, readSeccompProfile } from './files.ts';
import type { createFlags } from './flags.ts';
import { mountsOf } from './mounts.ts';
import { networkingOf } from './networks.ts';
import { exposedPorts, publishedPorts } from './ports.ts';
import { pair } from './values.ts';

export type CreateValues = Values<typeof createFlags>;

export interface CreateOptions {
  readonly image: string;
  readonly command: readonly string[];
  /** run -d: attached to nothing. */
  readonly isDetached: boolean;
  readonly consoleSize: readonly [height: number, width: number];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Variables that the user's configuration gives to containers, unless -e names them. */
  readonly proxies: Readonly<Record<string, string>>;
}

/** @throws Complaint when flags contradict, or a file cannot be read */
export function createBody(values: CreateValues, options: CreateOptions): CreateBody {
  checkModes(values);
  const attach = attachedStreams(values, options.isDetached);
  const networking = networkingOf([...values.network, ...values.net], values);
  const mounts = mountsOf(values, process.cwd());
  const published = publishedPorts(values.publish);
  const exposed = exposedPorts(values.expose, published);
  const { 'stop-signal': stopSignal, 'stop-timeout': stopTimeout } = values;
  return {
    Hostname: values.hostname ?? '',
    Domainname: values.domainname ?? '',
    User: values.user ?? '',
    AttachStdin: attach.stdin,
    AttachStdout: attach.stdout,
    AttachStderr: attach.stderr,
    ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
    Tty: values.tty,
    OpenStdin: values.interactive,
    StdinOnce: values.interactive && attach.stdin,
    Env: environmentOf(values, options),
    Cmd: options.command.length === 0 ? null : options.command,
    Image: options.image,
    Volumes: mounts.volumes,
    WorkingDir: values.workdir ?? '',
    Entrypoint: values.entrypoint === undefined ? null : [values.entrypoint],
    OnBuild: null,
    Labels: labelsOf(values),
    ...healthOf(values),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    ...(stopTimeout === undefined ? {} : { StopTimeout: stopTimeout }),
    HostConfig: { ...mounts.host, ...isolationOf(values), ...limitsOf(values), ...portsOf(values, published), NetworkMode: networking.mode, ConsoleSize: options.consoleSize },
    NetworkingConfig: networking.config,
  };
}

export function attachedStreams({ attach, interactive }: CreateValues, isDetached: boolean): { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean } {
  if (isDetached) return { stdin: false, stdout: false, stderr: false };
  if (attach.length === 0) return { stdin: interactive, stdout: true, stderr: true };
  // -i with -a: stdin too, as Docker has it.
  return { stdin: attach.includes('stdin') || interactive, stdout: attach.includes('stdout'), stderr: attach.includes('stderr') };
}

function healthOf(values: CreateValues): Pick<CreateBody, 'Healthcheck'> {
  const { 'health-cmd': command = '', 'health-interval': interval = 0, 'health-timeout': timeout = 0, 'health-retries': retries = 0 } = values;
  const { 'health-start-period': startPeriod = 0, 'health-start-interval': startInterval = 0 } = values;
  const isAsked = command !== '' || [interval, timeout, retries, startPeriod, startInterval].some((value) => value !== 0);
  if (values['no-healthcheck']) {
    if (isAsked) throw new Complaint('--no-healthcheck conflicts with --health-* options');
    return { Healthcheck: { Test: ['NONE'] } };
  }
  const times = { interval, timeout, retries, 'start-period': startPeriod, 'start-interval': startInterval };
  for (const [name, value] of Object.entries(times)) if (value < 0) throw new Complaint(`--health-${name} cannot be negative`);
  if (!isAsked) return {};
  return {
    Healthcheck: {
      ...(command === '' ? {} : { Test: ['CMD-SHELL', command] }),
      Interval: interval, Timeout: timeout, StartPeriod: startPeriod, StartInterval: startInterval, Retries: retries,
    },
  };
}

type HostPart = Partial<CreateBody['HostConfig']>;

function isolationOf(values: CreateValues): HostPart {
  return {
    ContainerIDFile: values.cidfile ?? '',
    ...(values.annotation.length === 0 ? {} : { Annotations: Object.fromEntries(values.annotation) }),
    ...(values.init === undefined ? {} : { Init: values.init }),
    Isolation: values.isolation ?? '',
    ...(values['storage-opt'].length === 0 ? {} : { StorageOpt: Object.fromEntries(values['storage-opt'].map(storageOption)) }),
    LogConfig: { Type: values['log-driver'] ?? '', Config: Object.fromEntries(values['log-opt']) },
    RestartPolicy: values.restart ?? { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: values.rm,
    CapAdd: capabilities(values['cap-add']),
    CapDrop: capabilities(values['cap-drop']),
    CgroupnsMode: (values.cgroupns ?? '') as '' | 'host' | 'private',
    Dns: values.dns,
    DnsOptions: [...values['dns-opt'], ...values['dns-option']],
    DnsSearch: values['dns-search'],
    ExtraHosts: orNull(values['add-host']),
    GroupAdd: orNull(values['group-add']),
    IpcMode: values.ipc ?? '',
    PidMode: values.pid ?? '',
    UTSMode: values.uts ?? '',
    UsernsMode: values.userns ?? '',
    Privileged: values.privileged,
    ReadonlyRootfs: values['read-only'],
    ...(values.runtime === undefined ? {} : { Runtime: values.runtime }),
    ...(values.sysctl.length === 0 ? {} : { Sysctls: Object.fromEntries(values.sysctl) }),
    ...(values.tmpfs.length === 0 ? {} : { Tmpfs: Object.fromEntries(values.tmpfs.map(splitTmpfs)) }),
    ...securityOf(values['security-opt']),
  };
}

function portsOf(values: CreateValues, published: PortBindings): HostPart {
  return {
    PortBindings: published,
    Links: orNull(values.link),
    PublishAllPorts: values['publish-all'],
    ...(values['publish-mode'] === 'host-socket' ? { PublishMode: 'host-socket' } : {}),
  };
}

function limitsOf(values: CreateValues): HostPart {
  return {
    OomScoreAdj: values['oom-score-adj'] ?? 0,
    OomKillDisable: values['oom-kill-disable'],
    ShmSize: values['shm-size'] ?? 0,
    CpuShares: values['cpu-shares'] ?? 0,
    NanoCpus: values.cpus ?? 0,
    CpuPeriod: values['cpu-period'] ?? 0,
    CpuQuota: values['cpu-quota'] ?? 0,
    CpuRealtimePeriod: values['cpu-rt-period'] ?? 0,
    CpuRealtimeRuntime: values['cpu-rt-runtime'] ?? 0,
    BlkioWeight: values['blkio-weight'] ?? 0,
    BlkioWeightDevice: values['blkio-weight-device'],
    BlkioDeviceReadBps: values['device-read-bps'],
    BlkioDeviceWriteBps: values['device-write-bps'],
    BlkioDeviceReadIOps: values['device-read-iops'],
    BlkioDeviceWriteIOps: values['device-write-iops'],
    CpusetCpus: values['cpuset-cpus'] ?? '',
    CpusetMems: values['cpuset-mems'] ?? '',
    CgroupParent: values['cgroup-parent'] ?? '',
    Memory: values.memory ?? 0,
    MemoryReservation: values['memory-reservation'] ?? 0,
    MemorySwap: values['memory-swap'] ?? 0,
    MemorySwappiness: values['memory-swappiness'] ?? -1,
    PidsLimit: values['pids-limit'] ?? 0,
    // By name, the last of each.
    Ulimits: [...new Map(values.ulimit.map((limit) => [limit.Name, limit])).values()].toSorted((a, b) => (a.Name < b.Name ? -1 : 1)),
    Devices: values.device.map(deviceMapping),
    DeviceCgroupRules: orNull(values['device-cgroup-rule']),
  };
}

function checkModes(values: CreateValues): void {
  const isAmong = (text: string | undefined, words: readonly string[]): boolean => text === undefined || text === '' || words.includes(text);
  if (!isAmong(values.pid, ['host']) && !/^container:./.test(values.pid ?? '')) throw new Complaint('--pid: invalid PID mode');
  if (!isAmong(values.uts, ['host'])) throw new Complaint('--uts: invalid UTS mode');
  if (!isAmong(values.cgroupns, ['host', 'private'])) throw new Complaint('--cgroupns: invalid CGROUP mode');
  if (!isAmong(values.userns, ['host'])) throw new Complaint('--userns: invalid USER mode');
  if (values.rm && !['', 'no'].includes(values.restart?.Name ?? '')) throw new Complaint('conflicting options: cannot specify both --restart and --rm');
  const swappiness = values['memory-swappiness'];
  if (swappiness !== undefined && swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw new Complaint(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  if (!isAmong(values['publish-mode'], ['nat', 'host-socket'])) throw new Complaint(`--publish-mode: invalid mode ${JSON.stringify(values['publish-mode'])}: nat or host-socket`);
}

function environmentOf(values: CreateValues, { environment, proxies }: CreateOptions): readonly string[] {
  const given = values.env.map((entry) => {
    const value = entry.includes('=') ? undefined : environment[entry];
    return value === undefined ? entry : `${entry}=${value}`;
  });
  const named = new Set(values.env.map((entry) => entry.split('=', 1)[0]));
  const added = Object.entries(proxies).filter(([name]) => !named.has(name)).map(([name, value]) => `${name}=${value}`);
  return [...values['env-file'].flatMap((path) => readEnvironmentFile(path, environment)), ...given, ...added];
}

function labelsOf(values: CreateValues): Readonly<Record<string, string>> {
  return Object.fromEntries([...values['label-file'].flatMap(readLabelFile), ...values.label].map(pair));
}

/** Docker's client writes capabilities with CAP_, and ALL alone. */
function capabilities(names: readonly string[]): readonly string[] | null {
  const full = names.map((name) => name.toUpperCase()).map((name) => (name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`));
  if (full.includes('ALL')) return ['ALL'];
  return orNull([...new Set(full)].sort());
}

/** `systempaths=unconfined` is said by two empty lists; a seccomp profile travels inside the option. */
function securityOf(options: readonly string[]): HostPart {
  const kept = options.filter((option) => option !== 'systempaths=unconfined').map((option) => {
    const [, key = '', value] = /^([^=:]+)[=:]?(.*)$/.exec(option) ?? [];
    if (option === 'no-new-privileges') return option;
    if (!/[=:]/.test(option)) throw new Complaint(`Invalid --security-opt: ${JSON.stringify(option)}`);
    if (key !== 'seccomp' || value === 'unconfined' || value === 'builtin') return option;
    return `seccomp=${readSeccompProfile(value ?? '')}`;
  });
  if (kept.length < options.length) return { SecurityOpt: kept, MaskedPaths: [], ReadonlyPaths: [] };
  return { SecurityOpt: orNull(kept), MaskedPaths: null, ReadonlyPaths: null };
}

function storageOption(text: string): readonly [key: string, value: string] {
  if (!text.includes('=')) throw new Complaint('invalid storage option');
  return pair(text);
}

function splitTmpfs(text: string): readonly [path: string, options: string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** `/dev/a`, `/dev/a:/dev/b`, `/dev/a:r`, `/dev/a:/dev/b:rw`. */
function deviceMapping(text: string): DeviceMapping {
  const [host = '', second, third] = text.split(':');
  if (!host.startsWith('/')) throw new Complaint(`${host} is not an absolute path`);
  if (third !== undefined && !/^[rwm]{1,3}$/.test(third)) throw new Complaint(`bad mode specified: ${third}`);
  const isAccess = second !== undefined && third === undefined && /^[rwm]+$/.test(second);
  const path = second === undefined || isAccess ? host : second;
  if (!path.startsWith('/')) throw new Complaint(`${path} is not an absolute path`);
  return { PathOnHost: host, PathInContainer: path, CgroupPermissions: isAccess ? second : third ?? 'rwm' };
}

function orNull<T>(items: readonly T[]): readonly T[] | null {
  return items.length === 0 ? null : items;
}
