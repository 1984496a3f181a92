// The OCI runtime configuration for Linux as types: what `runtime/plan` compiles. Source: OCI runtime spec 1.2, config.md and config-linux.md.
// All of the specification's fields are here; those that no plan can carry out are refused by name (plan/refuse.ts).

export interface Spec {
  readonly ociVersion: string;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts: readonly Mount[];
  readonly process: Process;
  readonly linux: Linux;
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Sections for other systems. */
  readonly freebsd?: object;
  readonly solaris?: object;
  readonly vm?: object;
  readonly windows?: object;
  readonly zos?: object;
}

export interface Mount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  /** Both or none: whose files the mount shows as whose. */
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

/** `size` ids from `containerID` on, inside, are those from `hostID` on, outside. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface Hook {
  readonly path: string;
  /** With the program's own name first; absent: the path alone. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

export type HookPhase = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';
export type Hooks = Readonly<Partial<Record<HookPhase, readonly Hook[]>>>;

export interface Rlimit {
  /** `RLIMIT_NOFILE` and so on. */
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly cwd: string;
  readonly env: readonly string[];
  readonly args: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number; readonly umask?: number; readonly additionalGids?: readonly number[] };
  readonly capabilities?: Capabilities;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly oomScoreAdj?: number;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  readonly ioPriority?: { readonly class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'; readonly priority?: number };
  readonly scheduler?: Scheduler;
  /** Lists like `0-3,7`: the CPUs while an exec is on its way into the cgroup, and afterwards. */
  readonly execCPUAffinity?: { readonly initial?: string; readonly final?: string };
}

export interface Scheduler {
  readonly policy: 'SCHED_OTHER' | 'SCHED_FIFO' | 'SCHED_RR' | 'SCHED_BATCH' | 'SCHED_ISO' | 'SCHED_IDLE' | 'SCHED_DEADLINE';
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly string[];
  /** Nanoseconds, for SCHED_DEADLINE. */
  readonly runtime?: number;
  readonly deadline?: number;
  readonly period?: number;
}

/** Names as `CAP_CHOWN`. */
export interface Capabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

export interface Linux {
  /** A namespace with a path is joined, one without is made new, one that is absent is the runtime's own. */
  readonly namespaces: readonly { readonly type: NamespaceType; readonly path?: string }[];
  readonly devices?: readonly Device[];
  readonly cgroupsPath?: string;
  readonly resources?: Resources;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: Seccomp;
  readonly rootfsPropagation?: string;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly timeOffsets?: Readonly<Partial<Record<'boottime' | 'monotonic', { readonly secs?: number; readonly nanosecs?: number }>>>;
  readonly personality?: { readonly domain: 'LINUX' | 'LINUX32'; readonly flags?: readonly string[] };
  readonly mountLabel?: string;
  readonly intelRdt?: object;
  readonly memoryPolicy?: object;
  readonly netDevices?: object;
}

export interface Device {
  readonly type: 'c' | 'b' | 'u' | 'p';
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface DeviceRule {
  readonly allow: boolean;
  /** `a` all, `c`, `b`. */
  readonly type?: 'a' | 'c' | 'b';
  /** Absent: every number. */
  readonly major?: number;
  readonly minor?: number;
  /** Of `r`, `w`, `m`. */
  readonly access?: string;
}

/** Limits; bytes, microseconds and counts as in the spec. -1 is "no limit" for memory, swap and pids. */
export interface Resources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: {
    readonly limit?: number; readonly reservation?: number; readonly swap?: number; readonly swappiness?: number; readonly disableOOMKiller?: boolean;
    readonly kernel?: number; readonly kernelTCP?: number; readonly checkBeforeUpdate?: boolean; readonly useHierarchy?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number; readonly quota?: number; readonly period?: number; readonly cpus?: string; readonly mems?: string;
    readonly burst?: number; readonly idle?: number; readonly realtimePeriod?: number; readonly realtimeRuntime?: number;
  };
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIo;
  /** `pageSize` as `2MB`. */
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: { readonly classID?: number; readonly priorities?: readonly { readonly name: string; readonly priority: number }[] };
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  /** Version 2 only: file name to text, written as it is. */
  readonly unified?: Readonly<Record<string, string>>;
}

export interface BlockIo {
  /** 10 to 1000; 0 is "not asked". */
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly { readonly major: number; readonly minor: number; readonly weight?: number; readonly leafWeight?: number }[];
  readonly throttleReadBpsDevice?: readonly ThrottledDevice[];
  readonly throttleWriteBpsDevice?: readonly ThrottledDevice[];
  readonly throttleReadIOPSDevice?: readonly ThrottledDevice[];
  readonly throttleWriteIOPSDevice?: readonly ThrottledDevice[];
}

export interface ThrottledDevice {
  readonly major: number;
  readonly minor: number;
  /** Bytes or operations a second; 0 takes the limit away. */
  readonly rate: number;
}

export type SeccompAction = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO' | 'SCMP_ACT_KILL' | 'SCMP_ACT_KILL_THREAD' | 'SCMP_ACT_KILL_PROCESS' | 'SCMP_ACT_TRAP' | 'SCMP_ACT_TRACE' | 'SCMP_ACT_LOG' | 'SCMP_ACT_NOTIFY';
export type SeccompCompare = 'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ';

export type SeccompFlag = 'SECCOMP_FILTER_FLAG_TSYNC' | 'SECCOMP_FILTER_FLAG_LOG' | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW' | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';

export interface SeccompArgument {
  /** Which argument, 0–5. */
  readonly index: number;
  /** 64 bits, unsigned; a bigint where a number would not be exact. */
  readonly value: number | bigint;
  /** The datum of SCMP_CMP_MASKED_EQ, whose mask is `value`. */
  readonly valueTwo?: number | bigint;
  readonly op: SeccompCompare;
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgument[];
}

/** The OCI form: already resolved for an architecture and a set of capabilities. */
export interface Seccomp {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  /** `SCMP_ARCH_X86_64` and so on. */
  readonly architectures?: readonly string[];
  /** Absent: SECCOMP_FILTER_FLAG_SPEC_ALLOW, as runc does. */
  readonly flags?: readonly SeccompFlag[];
  /** A unix socket: who listens there gets the descriptor that SCMP_ACT_NOTIFY speaks through, and `listenerMetadata` with it. */
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompRule[];
}
