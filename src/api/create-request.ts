// The body of `POST /containers/create`, from JSON to a typed request: dockerd's defaults filled in, what is not honoured refused by name.
// Whether the values suit this machine and this image (limits, users, signals) is the container's to say.
import { decode, fail } from '../base/index.ts';
import type { ContainerConfig, CreateContainerRequest, DeviceMapping, DeviceRate, HostConfig, LogConfig } from '../spec/docker/container.ts';
import { endpointsConfig, macAddress } from './endpoint-settings.ts';
import { mounts } from './mount-request.ts';
import { isAllNothing, isNothing, refuseWhatIsNotYet } from './not-yet.ts';
import { portBindings } from './port-bindings.ts';

const { dictionary, flag, integer, list, mapped, nullable, object, optional, presence, text, withDefault } = decode;

export interface DecodedCreate {
  readonly request: CreateContainerRequest;
  /** What the client shows the user. */
  readonly warnings: readonly string[];
}

const shmBytesDefault = 64 << 20;

/** @throws `invalid` for what does not decode, `unsupported` for what Estiva does not do yet. */
export const createRequest: decode.Decode<DecodedCreate> = (body, path) => {
  presence(body, path);
  if (isNothing(decode.fieldOf(body, 'Image'))) throw fail('invalid', 'config cannot be empty in order to create a container');
  refuseWhatIsNotYet(body);
  const config = containerConfig(body, path);
  const windows = windowsOnly(decode.fieldOf(body, 'HostConfig'));
  const asked = hostConfig(decode.fieldOf(body, 'HostConfig'), 'HostConfig');
  const endpoints = endpointsConfig(decode.fieldOf(decode.fieldOf(body, 'NetworkingConfig'), 'EndpointsConfig'), 'NetworkingConfig.EndpointsConfig');
  return { request: { config, hostConfig: withSwapDefault(asked), endpoints }, warnings: [...windows, ...discardedPorts(asked)] };
};

/** A list, or one string that stands for a list of one. */
const words: decode.Decode<readonly string[] | null> = (value, path) => typeof value === 'string' ? [value] : nullable(list(text))(value, path);

/** What is zero in it is left to the image. */
const healthcheck: decode.Decode<ContainerConfig['Healthcheck']> = (value, path) => {
  const check = object<NonNullable<ContainerConfig['Healthcheck']>>({ Test: list(text), Interval: integer, Timeout: integer, StartPeriod: integer, StartInterval: integer, Retries: integer })(value, path);
  return isAllNothing(check) ? undefined : Object.fromEntries(Object.entries(check).filter(([, setting]) => !isNothing(setting)));
};

export const containerConfig = object<ContainerConfig>({
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ExposedPorts: optional(dictionary(presence)),
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: list(text),
  Cmd: words,
  Healthcheck: healthcheck,
  Image: text,
  Volumes: mapped(dictionary(presence), (volumes) => Object.keys(volumes).length === 0 ? null : volumes),
  WorkingDir: text,
  Entrypoint: words,
  NetworkDisabled: optional(flag),
  MacAddress: optional(macAddress),
  OnBuild: nullable(list(text)),
  Labels: dictionary(text),
  StopSignal: optional(text),
  StopTimeout: optional(integer),
  Shell: optional(list(text)),
});

const deviceRates: decode.Decode<readonly DeviceRate[]> = list(object<DeviceRate>({ Path: text, Rate: integer }));
const deviceWeights = list(object<{ Path: string; Weight: number }>({ Path: text, Weight: integer }));
const deviceMapping = object<DeviceMapping>({ PathOnHost: text, PathInContainer: text, CgroupPermissions: withDefault(text, 'rwm') });
const ulimit = object<{ Name: string; Soft: number; Hard: number }>({ Name: text, Soft: integer, Hard: integer });
const size: decode.Decode<readonly [number, number]> = mapped(list(integer), ([height, width]) => [height ?? 0, width ?? 0] as const);

/** `text`, one of `values` or of `prefixes` with something after it. */
function choice(what: string, values: readonly string[], prefixes: readonly string[] = []): decode.Decode<string> {
  return mapped(text, (value) => {
    if (values.includes(value) || prefixes.some((prefix) => value.startsWith(prefix) && value.length > prefix.length)) return value;
    const known = [...values.filter((one) => one !== ''), ...prefixes.map((prefix) => `${prefix}…`)];
    throw fail('invalid', `invalid ${what}: ${value.slice(0, 100)}`, { hint: `Known here: ${known.join(', ')}` });
  });
}

/** A network's name or id, or another container's. */
const networkMode: decode.Decode<string> = mapped(text, (value) => {
  if (value === 'container:') throw fail('invalid', 'invalid network mode: invalid container format container:<name|id>');
  return value;
});

const restartPolicy: decode.Decode<HostConfig['RestartPolicy']> = object<HostConfig['RestartPolicy']>({ Name: withDefault(text, 'no'), MaximumRetryCount: integer });

const logConfig = object<LogConfig>({ Type: withDefault(text, 'json-file'), Config: dictionary(text) });

/** One that stands alone, or a name and a value. Their values are the container's to judge. @throws `invalid` in dockerd's words */
const securityOption: decode.Decode<string> = mapped(text, (option) => {
  const shown = JSON.stringify(option.slice(0, 100));
  if (option === 'no-new-privileges' || option === 'writable-cgroups') return option;
  const [, name, value = ''] = /^([^=:]+)[=:]([^]*)$/.exec(option) ?? [];
  if (name === undefined) throw fail('invalid', `invalid --security-opt 1: ${shown}`);
  const isTruth = ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value);
  const isKnown = ['label', 'apparmor', 'seccomp'].includes(name) || (isTruth && ['no-new-privileges', 'writable-cgroups'].includes(name));
  if (!isKnown) throw fail('invalid', `invalid --security-opt 2: ${shown}`, { hint: 'Known: no-new-privileges, seccomp=, apparmor=, label=, writable-cgroups=true' });
  if (name === 'seccomp' && value.startsWith('{')) presence(decode.parseJson(value), 'seccomp');
  return option;
});

/** -1 (or 0 where that means the same) is how clients say "not set". */
const unsetIfNegative = mapped(nullable(integer), (value) => value !== null && value < 0 ? null : value);
const unsetIfNotPositive = mapped(nullable(integer), (value) => value !== null && value <= 0 ? null : value);

const hostConfig = object<HostConfig>({
  Binds: nullable(list(text)),
  Mounts: mounts,
  VolumesFrom: nullable(list(text)),
  VolumeDriver: text,
  ContainerIDFile: text,
  Annotations: optional(dictionary(text)),
  NetworkMode: networkMode,
  PortBindings: portBindings,
  PublishMode: optional(choice('publish mode', ['host-socket'])) as decode.Decode<HostConfig['PublishMode']>,
  Links: nullable(list(text)),
  LogConfig: logConfig,
  RestartPolicy: restartPolicy,
  AutoRemove: flag,
  CapAdd: words,
  CapDrop: words,
  CgroupnsMode: withDefault(choice('cgroup namespace mode', ['', 'host', 'private']), 'private') as decode.Decode<HostConfig['CgroupnsMode']>,
  ConsoleSize: size,
  ExtraHosts: nullable(list(text)),
  Dns: list(text),
  DnsOptions: list(text),
  DnsSearch: list(text),
  GroupAdd: nullable(list(text)),
  IpcMode: withDefault(choice('IPC mode', ['', 'none', 'private', 'shareable', 'host'], ['container:']), 'private'),
  PidMode: choice('PID mode', ['', 'host'], ['container:']),
  UTSMode: choice('UTS mode', ['', 'host']),
  UsernsMode: text,
  OomScoreAdj: integer,
  Privileged: flag,
  PublishAllPorts: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: nullable(list(securityOption)),
  ShmSize: withDefault(integer, shmBytesDefault),
  Runtime: text,
  Isolation: text,
  StorageOpt: optional(dictionary(text)),
  Sysctls: optional(dictionary(text)),
  Tmpfs: optional(dictionary(text)),
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: integer,
  BlkioWeightDevice: deviceWeights,
  BlkioDeviceReadBps: deviceRates,
  BlkioDeviceWriteBps: deviceRates,
  BlkioDeviceReadIOps: deviceRates,
  BlkioDeviceWriteIOps: deviceRates,
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: list(deviceMapping),
  DeviceCgroupRules: nullable(list(text)),
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: unsetIfNegative,
  OomKillDisable: nullable(flag),
  PidsLimit: unsetIfNotPositive,
  Ulimits: nullable(list(ulimit)),
  Init: optional(flag),
  MaskedPaths: nullable(list(text)),
  ReadonlyPaths: nullable(list(text)),
});

/** As much swap as memory, where memory is limited and swap is not spoken of. */
function withSwapDefault(host: HostConfig): HostConfig {
  return host.Memory > 0 && host.MemorySwap === 0 ? { ...host, MemorySwap: 2 * host.Memory } : host;
}

/** In the host's network every port of the container is the host's anyway. */
function discardedPorts({ NetworkMode, PortBindings }: HostConfig): readonly string[] {
  return NetworkMode === 'host' && Object.keys(PortBindings).length > 0 ? ['Published ports are discarded when using host network mode'] : [];
}

/** Fields of Windows: dockerd refuses some, discards another with a warning, and looks past the last. Limits of kernel memory, which Linux no longer has, go the same way. */
function windowsOnly(host: unknown): readonly string[] {
  const amount = (name: string): number => integer(decode.fieldOf(host, name), `HostConfig.${name}`);
  for (const name of ['CpuCount', 'KernelMemory', 'KernelMemoryTCP']) amount(name);
  if (amount('IOMaximumIOps') !== 0) throw fail('invalid', 'invalid option: QoS maximum IOPs configuration is not supported on linux');
  if (amount('IOMaximumBandwidth') !== 0) throw fail('invalid', 'invalid option: QoS maximum bandwidth configuration is not supported on linux');
  return amount('CpuPercent') === 0 ? [] : ['linux does not support CPU percent. Percent discarded.'];
}
