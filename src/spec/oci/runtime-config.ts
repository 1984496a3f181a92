// A config.json becomes a typed configuration, once, or is refused with the path of what is wrong: `process.cwd: expected a string`.
//
// JSON is Go's here as everywhere in this field: null and absence mean "not given", unknown keys are ignored. Unlike Docker's requests, what the
// specification requires must be there. Source: the specification's JSON schemas (config-schema.json, config-linux.json, defs*.json).
import { decode, fail } from '../../base/index.ts';
import type { BlockIo, Capabilities, Device, DeviceRule, Hook, HookPhase, IdMapping, Linux, Mount, NamespaceType, Process, Resources, Rlimit, Scheduler, Seccomp, SeccompArgument, SeccompRule, Spec } from './runtime.ts';

type Decode<T> = decode.Decode<T>;
const { boolean, dictionary, integer, list, object, optional, parseJson, presence, required, text, wholeNumber, word } = decode;

const uint32 = wholeNumber(0, 2 ** 32 - 1);
const int32 = wholeNumber(-(2 ** 31), 2 ** 31 - 1);
const uint64 = wholeNumber(0, 2 ** 64);
const uint16 = wholeNumber(0, 2 ** 16 - 1);
const string = required(text);
const strings = list(string);
const list0 = <T>(item: Decode<T>): Decode<readonly T[] | undefined> => optional(list(item));
const path = string;

/** @throws EstivaError `invalid`, naming the field. */
export function decodeSpec(json: string): Spec {
  return spec(parseExact(json), '');
}

/** A process.json: what an exec is given. */
export function decodeProcess(json: string): Process {
  return process(parseExact(json), 'process');
}

/** What `update --resources` is given. */
export function decodeResources(json: string): Resources {
  return resources(parseExact(json), '');
}

/** Seccomp compares whole 64-bit numbers: one that a double cannot hold is kept to the last digit. */
function parseExact(json: string): unknown {
  if (!/\d{16}/.test(json)) return parseJson(json);
  parseJson(json);
  return JSON.parse(json, (_key, value: unknown, context?: { readonly source: string }) => (
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(context!.source) ? BigInt(context!.source) : value
  )) as unknown;
}

/** A number as a double; what parseExact kept as a bigint is rounded. */
function rounded(decode: Decode<number>): Decode<number> {
  return (value, at) => decode(typeof value === 'bigint' ? Number(value) : value, at);
}
const size = rounded(wholeNumber(-(2 ** 63), 2 ** 64));
const count = rounded(uint64);

const exact: Decode<number | bigint> = (value, at) => (typeof value === 'bigint' && value >= 0n && value < 2n ** 64n ? value : required(uint64)(value, at));

const idMapping = object<IdMapping>({ containerID: required(uint32), hostID: required(uint32), size: required(uint32) });

const mount = object<Mount>({
  destination: path, type: optional(text), source: optional(text), options: list0(string),
  uidMappings: list0(idMapping), gidMappings: list0(idMapping),
});

/** A string of a given form. */
function textLike(pattern: RegExp, expected: string): Decode<string> {
  return (value, at) => {
    const given = string(value, at);
    if (!pattern.test(given)) throw fail('invalid', `${at}: expected ${expected}`);
    return given;
  };
}

const rlimit = object<Rlimit>({ type: textLike(/^RLIMIT_[A-Z]+$/, 'a name like RLIMIT_NOFILE'), soft: required(count), hard: required(count) });

const capabilityNames = list(string);
const capabilities = object<Capabilities>({ bounding: capabilityNames, effective: capabilityNames, permitted: capabilityNames, inheritable: capabilityNames, ambient: capabilityNames });

const scheduler = object<Scheduler>({
  policy: required(word(['SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RR', 'SCHED_BATCH', 'SCHED_ISO', 'SCHED_IDLE', 'SCHED_DEADLINE'])),
  nice: optional(int32), priority: optional(int32), flags: list0(textLike(/^SCHED_FLAG_[A-Z_]+$/, 'a name like SCHED_FLAG_RESET_ON_FORK')), runtime: optional(count), deadline: optional(count), period: optional(count),
});

const cpuList = textLike(/^[0-9, -]*$/, 'a list of CPUs, like "0-3,7"');

const process: Decode<Process> = object<Process>({
  terminal: optional(boolean),
  consoleSize: optional(object<NonNullable<Process['consoleSize']>>({ height: required(uint16), width: required(uint16) })),
  cwd: string, env: list(string), args: list(string),
  user: object<Process['user']>({ uid: uint32, gid: uint32, umask: optional(uint32), additionalGids: list0(uint32) }),
  capabilities: optional(capabilities),
  rlimits: list0(rlimit),
  noNewPrivileges: optional(boolean), oomScoreAdj: optional(wholeNumber(-1000, 1000)),
  apparmorProfile: optional(text), selinuxLabel: optional(text),
  ioPriority: optional(object<NonNullable<Process['ioPriority']>>({ class: required(word(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'])), priority: optional(wholeNumber(0, 7)) })),
  scheduler: optional(scheduler),
  execCPUAffinity: optional(object<NonNullable<Process['execCPUAffinity']>>({ initial: optional(cpuList), final: optional(cpuList) })),
});

const hook = object<Hook>({ path: absolutePath, args: list0(string), env: list0(string), timeout: optional(wholeNumber(1, 2 ** 31)) });

function absolutePath(value: unknown, at: string): string {
  const given = path(value, at);
  if (!given.startsWith('/')) throw fail('invalid', `${at}: expected an absolute path`);
  return given;
}

const hooks = object<Record<HookPhase, readonly Hook[]>>({ prestart: list(hook), createRuntime: list(hook), createContainer: list(hook), startContainer: list(hook), poststart: list(hook), poststop: list(hook) });

const namespaceTypes: readonly NamespaceType[] = ['mount', 'pid', 'network', 'uts', 'ipc', 'user', 'cgroup', 'time'];

/** A path that is not given is Go's empty string as well. */
const namespace: Decode<Linux['namespaces'][number]> = (value, at) => {
  const { type, path } = object<{ type: NamespaceType; path?: string }>({ type: required(word(namespaceTypes)), path: optional(text) })(value, at);
  return path === undefined || path === '' ? { type } : { type, path };
};

const device = object<Device>({
  type: required(word(['c', 'b', 'u', 'p'])), path: absolutePath, major: deviceNumber, minor: deviceNumber,
  fileMode: optional(wholeNumber(0, 0o7777)), uid: optional(uint32), gid: optional(uint32),
});

function deviceNumber(value: unknown, at: string): number {
  return wholeNumber(0, 2 ** 32)(value ?? 0, at);
}

/** -1 is "every number" in the rules of many engines. */
const ruleNumber: Decode<number | undefined> = (value, at) => {
  const number = optional(wholeNumber(-1, 2 ** 32))(value, at);
  return number === -1 ? undefined : number;
};

const deviceRule: Decode<DeviceRule> = (value, at) => {
  const { type, access, ...rule } = object<Omit<DeviceRule, 'type'> & { type?: 'a' | 'b' | 'c' | '' }>({
    allow: required(boolean), type: optional(word(['a', 'b', 'c', ''])), major: ruleNumber, minor: ruleNumber, access: optional(text),
  })(value, at);
  return { ...rule, ...(type === undefined || type === '' ? {} : { type }), ...(access === undefined || access === '' ? {} : { access }) };
};

const throttled = list0(object<{ major: number; minor: number; rate: number }>({ major: required(uint32), minor: required(uint32), rate: count }));

const blockIo = object<BlockIo>({
  weight: optional(uint16), leafWeight: optional(uint16),
  weightDevice: list0(object<NonNullable<BlockIo['weightDevice']>[number]>({ major: required(uint32), minor: required(uint32), weight: optional(uint16), leafWeight: optional(uint16) })),
  throttleReadBpsDevice: throttled, throttleWriteBpsDevice: throttled, throttleReadIOPSDevice: throttled, throttleWriteIOPSDevice: throttled,
});

const resources: Decode<Resources> = object<Resources>({
  devices: list0(deviceRule),
  memory: optional(object<NonNullable<Resources['memory']>>({
    limit: optional(size), reservation: optional(size), swap: optional(size), swappiness: optional(rounded(wholeNumber(0, 2 ** 64))), disableOOMKiller: optional(boolean),
    kernel: optional(size), kernelTCP: optional(size), checkBeforeUpdate: optional(boolean), useHierarchy: optional(boolean),
  })),
  cpu: optional(object<NonNullable<Resources['cpu']>>({
    shares: optional(count), quota: optional(size), period: optional(count), cpus: optional(text), mems: optional(text),
    burst: optional(count), idle: optional(size), realtimePeriod: optional(count), realtimeRuntime: optional(size),
  })),
  pids: optional(object<{ limit: number }>({ limit: size })),
  blockIO: optional(blockIo),
  hugepageLimits: list0(object<{ pageSize: string; limit: number }>({ pageSize: textLike(/^[1-9][0-9]*[KMG]B$/, 'a size like "2MB"'), limit: required(count) })),
  network: optional(object<NonNullable<Resources['network']>>({ classID: optional(uint32), priorities: list0(object<{ name: string; priority: number }>({ name: string, priority: required(uint32) })) })),
  rdma: optional(dictionary(object<{ hcaHandles?: number; hcaObjects?: number }>({ hcaHandles: optional(uint32), hcaObjects: optional(uint32) }))),
  unified: optional(dictionary(string)),
});

export const seccompActions = ['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP', 'SCMP_ACT_TRACE', 'SCMP_ACT_LOG', 'SCMP_ACT_NOTIFY'] as const;

export const seccompComparisons = ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ'] as const;
export const seccompFlagNames = ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] as const;

const seccomp = object<Seccomp>({
  defaultAction: required(word(seccompActions)), defaultErrnoRet: optional(uint32), architectures: list0(textLike(/^SCMP_ARCH_[A-Z0-9_]+$/, 'a name like SCMP_ARCH_X86_64')),
  flags: list0(word(seccompFlagNames)),
  listenerPath: optional(text), listenerMetadata: optional(text),
  syscalls: list0(object<SeccompRule>({
    names: strings, action: required(word(seccompActions)), errnoRet: optional(uint32),
    args: list0(object<SeccompArgument>({
      index: required(wholeNumber(0, 5)), value: exact, valueTwo: optional(exact),
      op: required(word(seccompComparisons)),
    })),
  })),
});

const timeOffset = optional(object<{ secs?: number; nanosecs?: number }>({ secs: optional(integer), nanosecs: optional(wholeNumber(0, 999_999_999)) }));

const linux = object<Linux>({
  namespaces: list(namespace),
  devices: list0(device), cgroupsPath: optional(text), resources: optional(resources), sysctl: optional(dictionary(string)), seccomp: optional(seccomp),
  rootfsPropagation: optional(word(['', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'])),
  maskedPaths: list0(string), readonlyPaths: list0(string), uidMappings: list0(idMapping), gidMappings: list0(idMapping),
  timeOffsets: optional(object<NonNullable<Linux['timeOffsets']>>({ boottime: timeOffset, monotonic: timeOffset })),
  personality: optional(object<NonNullable<Linux['personality']>>({ domain: required(word(['LINUX', 'LINUX32'])), flags: list0(string) })),
  mountLabel: optional(text), intelRdt: optional(presence), memoryPolicy: optional(presence), netDevices: optional(presence),
});

const spec = object<Spec>({
  ociVersion: version, root: required(object<Spec['root']>({ path: string, readonly: optional(boolean) })),
  hostname: optional(text), domainname: optional(text), mounts: list(mount), process: required(process), linux, hooks: optional(hooks),
  annotations: optional(dictionary(string)),
  freebsd: optional(presence), solaris: optional(presence), vm: optional(presence), windows: optional(presence), zos: optional(presence),
});

/** 1.x, with whatever stands behind it. */
function version(value: unknown, at: string): string {
  const given = string(value, at);
  if (!/^1\.\d+\.\d+/.test(given)) throw fail('invalid', `${at}: expected a version 1.x of the OCI runtime specification, not ${JSON.stringify(given)}`);
  return given;
}
