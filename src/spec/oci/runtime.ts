// The OCI runtime configuration for Linux as types: what `runtime/plan` compiles. Source: OCI runtime spec 1.2, config.md and config-linux.md.
// Fields appear here when the runtime honours them; a configuration that asks for more is refused by name in plan.

export interface Spec {
  readonly ociVersion: string;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts: readonly Mount[];
  readonly process: Process;
  readonly linux: Linux;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Mount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

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
  readonly memory?: { readonly limit?: number; readonly reservation?: number; readonly swap?: number; readonly swappiness?: number; readonly disableOOMKiller?: boolean };
  readonly cpu?: { readonly shares?: number; readonly quota?: number; readonly period?: number; readonly cpus?: string; readonly mems?: string; readonly realtimePeriod?: number; readonly realtimeRuntime?: number };
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIo;
}

export interface BlockIo {
  /** 10 to 1000; 0 is "not asked". */
  readonly weight?: number;
  readonly weightDevice?: readonly { readonly major: number; readonly minor: number; readonly weight?: number }[];
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

export type SeccompFlag = 'SECCOMP_FILTER_FLAG_TSYNC' | 'SECCOMP_FILTER_FLAG_LOG' | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW';

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
  readonly syscalls?: readonly SeccompRule[];
}
