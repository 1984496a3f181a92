// Docker's container JSON as types: what clients send to /containers/create and what they read back from inspect and list.
// Source: Docker Engine API v1.24–v1.51. Fields that Estiva does not honour yet are not here: the api refuses them by name.
import type { ImageRunConfig } from '../oci/image.ts';
import type { MountRequest } from './mount.ts';

/** `Config` of a container. */
export interface ContainerConfig {
  readonly Hostname: string;
  readonly Domainname: string;
  readonly User: string;
  readonly AttachStdin: boolean;
  readonly AttachStdout: boolean;
  readonly AttachStderr: boolean;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly StdinOnce: boolean;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly Image: string;
  readonly Volumes: Readonly<Record<string, object>> | null;
  readonly WorkingDir: string;
  readonly NetworkDisabled?: boolean;
  /** As older clients ask for it: of the container's first network. */
  readonly MacAddress?: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Seconds. */
  readonly StopTimeout?: number;
  readonly Healthcheck?: ImageRunConfig['Healthcheck'];
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[];
}

export interface LogConfig {
  readonly Type: string;
  readonly Config: Readonly<Record<string, string>>;
}

export interface DeviceMapping {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

/** A limit of block I/O: bytes or operations a second. */
export interface DeviceRate {
  readonly Path: string;
  readonly Rate: number;
}

/** One place where a port is published: '' is every address, and any free port. `8000-8010`: one of them. */
export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** `80/tcp` → where it is published. */
export type PortBindings = Readonly<Record<string, readonly PortBinding[]>>;

/** What is asked of one network: a value of `NetworkingConfig.EndpointsConfig`, and the `EndpointConfig` of a connect. */
export interface EndpointSettings {
  readonly IPAMConfig: { readonly IPv4Address: string; readonly IPv6Address: string; readonly LinkLocalIPs: readonly string[] } | null;
  /** `container:alias`. */
  readonly Links: readonly string[];
  readonly Aliases: readonly string[];
  readonly MacAddress: string;
  readonly DriverOpts: Readonly<Record<string, string>>;
  readonly GwPriority: number;
}

/** `HostConfig`: how the host runs the container. Sizes in bytes, CPU quota and period in microseconds, NanoCpus in 1e-9 CPUs. */
export interface HostConfig {
  /** `source:destination:mode`, and `destination` alone for a volume without a name. */
  readonly Binds: readonly string[] | null;
  readonly Mounts?: readonly MountRequest[];
  /** `container[:mode]`. */
  readonly VolumesFrom: readonly string[] | null;
  /** For volumes of Binds and of the image. */
  readonly VolumeDriver: string;
  /** Where the client wrote the id. */
  readonly ContainerIDFile: string;
  readonly Annotations?: Readonly<Record<string, string>>;
  readonly NetworkMode: string;
  readonly PortBindings: PortBindings;
  /** Ours alone: ports are published by rules of the kernel unless it says `host-socket`. */
  readonly PublishMode?: 'host-socket';
  /** `container:alias`, in the default network. */
  readonly Links: readonly string[] | null;
  readonly LogConfig: LogConfig;
  readonly RestartPolicy: { readonly Name: string; readonly MaximumRetryCount: number };
  readonly AutoRemove: boolean;
  readonly CapAdd: readonly string[] | null;
  readonly CapDrop: readonly string[] | null;
  readonly CgroupnsMode: '' | 'host' | 'private';
  readonly ConsoleSize: readonly [height: number, width: number];
  readonly ExtraHosts: readonly string[] | null;
  readonly Dns: readonly string[];
  readonly DnsOptions: readonly string[];
  readonly DnsSearch: readonly string[];
  readonly GroupAdd: readonly string[] | null;
  readonly IpcMode: string;
  readonly PidMode: string;
  readonly UTSMode: string;
  readonly UsernsMode: string;
  readonly OomScoreAdj: number;
  readonly Privileged: boolean;
  readonly PublishAllPorts: boolean;
  readonly ReadonlyRootfs: boolean;
  readonly SecurityOpt: readonly string[] | null;
  readonly ShmSize: number;
  readonly Runtime: string;
  readonly Isolation: string;
  /** Nobody can set sizes of layers here: kept to refuse them. */
  readonly StorageOpt?: Readonly<Record<string, string>>;
  readonly Sysctls?: Readonly<Record<string, string>>;
  readonly Tmpfs?: Readonly<Record<string, string>>;
  readonly CpuShares: number;
  readonly Memory: number;
  readonly NanoCpus: number;
  readonly CgroupParent: string;
  readonly BlkioWeight: number;
  readonly BlkioWeightDevice: readonly { readonly Path: string; readonly Weight: number }[];
  readonly BlkioDeviceReadBps: readonly DeviceRate[];
  readonly BlkioDeviceWriteBps: readonly DeviceRate[];
  readonly BlkioDeviceReadIOps: readonly DeviceRate[];
  readonly BlkioDeviceWriteIOps: readonly DeviceRate[];
  readonly CpuPeriod: number;
  readonly CpuQuota: number;
  readonly CpuRealtimePeriod: number;
  readonly CpuRealtimeRuntime: number;
  readonly CpusetCpus: string;
  readonly CpusetMems: string;
  readonly Devices: readonly DeviceMapping[];
  readonly DeviceCgroupRules: readonly string[] | null;
  readonly MemoryReservation: number;
  readonly MemorySwap: number;
  readonly MemorySwappiness: number | null;
  readonly OomKillDisable: boolean | null;
  readonly PidsLimit: number | null;
  readonly Ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[] | null;
  readonly Init?: boolean;
  /** null: Docker's default lists; an empty list: nothing is masked (systempaths=unconfined). */
  readonly MaskedPaths: readonly string[] | null;
  readonly ReadonlyPaths: readonly string[] | null;
}

/** The body of `POST /containers/create`, decoded: image defaults not merged yet. */
export interface CreateContainerRequest {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** By name or id of a network. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
}

/** Limits that can be changed while a container exists. */
export type ContainerLimits = Pick<HostConfig,
  'BlkioWeight' | 'CpuShares' | 'NanoCpus' | 'CpuPeriod' | 'CpuQuota' | 'CpuRealtimePeriod' | 'CpuRealtimeRuntime' | 'CpusetCpus' | 'CpusetMems' | 'Memory' | 'MemorySwap' | 'MemoryReservation' | 'PidsLimit'
>;

/** The body of `POST /containers/{id}/update`, decoded: what is zero, empty or null stays as it is (of PidsLimit, 0 means no limit). */
export interface UpdateContainerRequest {
  readonly limits: ContainerLimits;
  readonly restartPolicy: HostConfig['RestartPolicy'] | null;
  /** Ours alone: ports that are published from now on. */
  readonly publish: PortBindings;
  /** Ours alone: ports that are not any more. No binding: all of that port. */
  readonly unpublish: PortBindings;
  /** Ours alone: what is mounted from now on. */
  readonly mounts: readonly MountRequest[];
  /** Ours alone: places where what was asked for is mounted no longer. */
  readonly unmounts: readonly string[];
}

/** What `POST /containers/{id}/exec` takes. */
export interface ExecConfig {
  readonly AttachStdin: boolean;
  readonly AttachStdout: boolean;
  readonly AttachStderr: boolean;
  readonly DetachKeys?: string;
  readonly Tty: boolean;
  readonly ConsoleSize?: readonly [height: number, width: number] | undefined;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[];
  readonly Privileged: boolean;
  readonly User: string;
  readonly WorkingDir: string;
}
