// The plan of a container whose maker does not stay: what the program estiva-runtime makes. It has two parts.
//
// The *outer* part runs in the launcher's memory: clone3, and at once an execve of the *capsule*, a small static executable in a sealed memfd that
// carries the *inner* part. So what waits for `start`, perhaps for hours, is some tens of kilobytes and not a copy of Node; the launcher can end
// meanwhile; and /proc/PID/exe names the capsule, so nobody inside can reach the Node binary through it (the weakness of CVE-2019-5736).
//
// Where the launcher has to do something in between (write id maps, run hooks of the host), the inner part tells it and waits (waitForLauncher).
// A user namespace is entered by the capsule, which then makes the container's first process as its own sibling: everything that the
// configuration asks for belongs to the new user namespace then, and whatever is joined by path was joined with the host's power before.
import { CLONE, namespaceFlags, O, type Op, type Step } from '../../kernel/index.ts';
import type { Hooks, NamespaceType, Spec } from '../../spec/oci/runtime.ts';
import { bornInPidNamespaceOf, cloneFrame, handOver } from './clone.ts';
import { boundDeviceSteps, deviceSources, deviceSteps } from './devices.ts';
import { hookSteps } from './hooks.ts';
import { tell, waitForLauncher, writeFile } from './jump.ts';
import { labelSteps, type SecurityModules } from './labels.ts';
import { bindSourceOf, isBind, mountNames, mountSteps } from './mounts.ts';
import { become, execute, findProgram, type SeccompFilter } from './process.ts';
import { refuseUnsupported } from './refuse.ts';
import { bindSource, pivotSteps, rootMount, rootSteps, spreadOf } from './root.ts';
import { personalitySteps, schedulingSteps } from './scheduling.ts';
import { slots, type CgroupJoin, type DirectoryRoot } from './setting.ts';
import { cgroupJoin, cgroupMounts, confinement, identitySteps, joinNamespaces, cgroupSourcesOf, sysctlSteps } from './start.ts';
import { consoleSteps, sessionSteps, terminalSteps } from './terminal.ts';

export interface CreateSetting {
  readonly root: DirectoryRoot;
  readonly cgroup?: CgroupJoin | undefined;
  readonly seccompFilter?: SeccompFilter | undefined;
  /** Whether the program waits for `start`. */
  readonly waits: boolean;
  /** Descriptors from 3 on that the program is given. */
  readonly preservedDescriptors: number;
  /** A session keyring of its own, by this name; absent: the launcher's. */
  readonly keyring?: string | undefined;
  readonly securityModules: SecurityModules;
}

/** The two parts; their ops are numbered through. */
export interface ApartPlan {
  readonly outer: readonly Step[];
  readonly inner: readonly Step[];
}

/** Points that the inner part tells of. */
export const points = { ids: 'ids', limits: 'limits', born: 'born', hooks: 'hooks', created: 'created' } as const;

/** @throws EstivaError `unsupported` or `invalid`, naming the field, for a configuration that cannot be run. */
export function planCreate(spec: Spec, setting: CreateSetting): ApartPlan {
  refuseUnsupported(spec, setting.securityModules);
  const { namespaces } = spec.linux;
  const created = namespaces.filter(({ path }) => path === undefined).map(({ type }) => type);
  const withUser = namespaces.some(({ type }) => type === 'user');
  const sharedPids = namespaces.find(({ type, path }) => type === 'pid' && path !== undefined)?.path;
  return {
    outer: cloneFrame(handOver(handedOn(spec, setting), setting.preservedDescriptors), {
      flags: withUser ? 0 : flagsOf(created), shareMemory: true, ...(sharedPids === undefined || withUser ? {} : bornInPidNamespaceOf(sharedPids)),
    }),
    inner: innerSteps(spec, setting, created, withUser),
  };
}

/** A cgroup namespace shows the cgroup that its maker was in, and a time namespace must be told its offsets: both are entered later. */
function flagsOf(created: readonly NamespaceType[]): number {
  return created.filter((type) => type !== 'cgroup' && type !== 'user' && type !== 'time').reduce((sum, type) => sum + namespaceFlags[type], 0);
}

function handedOn(spec: Spec, setting: CreateSetting): readonly string[] {
  const names = mountNames(spec.mounts);
  return [
    slots.error, slots.go,
    ...(setting.waits ? [slots.turn] : []),
    ...(hasHooks(spec.hooks, 'createContainer', 'startContainer') ? [slots.hookState] : []),
    ...(spec.process.terminal === true ? [slots.consoleSocket, slots.consoleMaster] : []),
    ...spec.mounts.flatMap((mount, i) => {
      const source = isBind(mount) ? bindSourceOf(mount, names[i]!) : undefined;
      return typeof source === 'object' && 'slot' in source ? [source.slot] : [];
    }),
  ];
}

function hasHooks(hooks: Hooks | undefined, ...phases: readonly (keyof Hooks)[]): boolean {
  return phases.some((phase) => (hooks?.[phase]?.length ?? 0) > 0);
}

function innerSteps(spec: Spec, setting: CreateSetting, created: readonly NamespaceType[], withUser: boolean): readonly Step[] {
  const { process, linux, hooks } = spec;
  const terminal = process.terminal === true;
  return [
    ...schedulingSteps(process),
    ...personalitySteps(linux.personality),
    ...cgroupJoin(setting.cgroup),
    ...joinNamespaces(linux),
    ...(withUser ? userNamespaceSteps(spec, created) : []),
    ...(created.includes('cgroup') ? [{ call: 'unshare', args: [CLONE.NEWCGROUP], why: 'its cgroup looks like the root of all cgroups' } satisfies Op] : []),
    ...(created.includes('time') ? timeNamespaceSteps(linux.timeOffsets) : []),
    ...labelSteps(process, setting.securityModules),
    ...(setting.keyring === undefined ? [] : [{ call: 'keyctl', args: [1, setting.keyring], why: 'a session keyring of its own' } satisfies Op]),
    ...identitySteps(spec, created),
    { call: 'umask', args: [0], why: 'modes exactly as written below', onError: 'ignore' },
    ...rootAndFileSystem(spec, setting, withUser),
    ...(terminal ? [...terminalSteps({ size: process.consoleSize, uid: process.user.uid }), ...consoleSteps] : []),
    ...sessionSteps(terminal),
    ...confinement(spec),
    ...become(process, { seccompFilter: setting.seccompFilter, makeDirectory: true, keptDescriptors: setting.preservedDescriptors, limitedFromOutside: true, scoreInherited: true }),
    ...findProgram(process),
    ...(setting.waits ? waitForStart : []),
    ...hookSteps('startContainer', hooks?.startContainer ?? []),
    ...execute(process),
  ];
}

/** The launcher is told, and ends; who has its number in the state directory writes a byte when the time has come. */
const waitForStart: readonly Step[] = [
  { call: 'getpid', args: [], label: points.created, why: 'all is made' },
  tell(points.created, 'the launcher is told'),
  { call: 'read', args: [{ slot: slots.turn }, { space: 'word', sizeBytes: 64 }, 1], why: 'until somebody says "start"' },
];

/**
 * Into the user namespace, and out of it the container's first process, a sibling (CLONE_PARENT): a process cannot move itself into a new pid
 * namespace. It starts when the launcher knows it.
 */
function userNamespaceSteps(spec: Spec, created: readonly NamespaceType[]): readonly Step[] {
  const { namespaces } = spec.linux;
  const joined = namespaces.find(({ type }) => type === 'user')!.path;
  const pids = namespaces.find(({ type, path }) => type === 'pid' && path !== undefined)?.path;
  const open = (path: string, label: string): Op => ({ call: 'openat', args: [-100, path, O.CLOEXEC, 0], label, why: 'an existing namespace' });
  const flags = flagsOf(created);
  return [
    ...(pids === undefined ? [] : [open(pids, 'namespace pid'), { call: 'setns', args: [{ resultOf: 'namespace pid' }, CLONE.NEWPID], why: 'for the one that is born below' } satisfies Op]),
    ...(joined === undefined
      ? [{ call: 'unshare', args: [CLONE.NEWUSER], why: 'users of its own' } satisfies Op, ...waitForLauncher(points.ids, 'its ids are to be mapped')]
      : [open(joined, 'namespace user'), { call: 'setns', args: [{ resultOf: 'namespace user' }, CLONE.NEWUSER], why: 'users that it shares' } satisfies Op]),
    ...becomeRoot,
    ...(flags === 0 ? [] : [{ call: 'unshare', args: [flags], why: 'the other namespaces belong to its users' } satisfies Op]),
    { call: 'clone', args: [CLONE.PARENT, 0, 0, 0, 0], label: points.born, onPositive: { goto: 'told' }, why: 'the container\'s first process' },
    { call: 'prctl', args: [1, 9], why: 'a half-made container does not outlive its maker' },
    { call: 'read', args: [{ slot: slots.go }, { space: 'word', sizeBytes: 64 }, 1], onPositive: { goto: 'known' }, why: 'once the launcher knows it' },
    { call: 'exit_group', args: [127], why: 'nobody answers' },
    { ...tell(points.born, 'the launcher is told who it is'), label: 'told' },
    { call: 'exit_group', args: [0], why: 'and the one that made it is done' },
    { label: 'known' },
  ];
}

/** Root of the user namespace that it is in. */
export const becomeRoot: readonly Op[] = [
  { call: 'setgroups', args: [0, 0], why: 'no group of the host' },
  { call: 'setresgid', args: [0, 0, 0], why: 'root of its own users' },
  { call: 'setresuid', args: [0, 0, 0] },
  { call: 'prctl', args: [4, 1], why: 'whose own files in /proc are its own again' },
];

/** Offsets can be set until the first process is in. Source: time_namespaces(7). */
function timeNamespaceSteps(offsets: Spec['linux']['timeOffsets']): readonly Step[] {
  const lines = Object.entries(offsets ?? {}).map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`).join('');
  return [
    { call: 'unshare', args: [CLONE.NEWTIME], why: 'a time namespace, for children' },
    ...(lines === '' ? [] : writeFile('/proc/self/timens_offsets', lines, 'how far its clocks are from the host\'s')),
    { call: 'openat', args: [-100, '/proc/self/ns/time_for_children', O.CLOEXEC, 0], label: 'namespace time', why: 'and for this process' },
    { call: 'setns', args: [{ resultOf: 'namespace time' }, CLONE.NEWTIME], why: 'which enters it' },
  ];
}

/**
 * The rule: everything inside is mounted after the pivot. Two need it before: hooks of the host, which expect the mounts in place at the root's
 * path on the host; and a user namespace, whose root may mount proc and sysfs only where some are seen already. For them the mounts are made in a
 * chroot, where links of the image lead nowhere else either.
 */
function rootAndFileSystem(spec: Spec, setting: CreateSetting, withUser: boolean): readonly Step[] {
  const { root } = setting;
  const spread = spreadOf(spec.linux.rootfsPropagation, root);
  const sources = sourcesOf(spec, setting, withUser);
  const inside = fileSystem(spec, setting, withUser);
  const withHooks = hasHooks(spec.hooks, 'prestart', 'createRuntime', 'createContainer');
  if (!withHooks && !withUser) return [...rootSteps(root, sources, spread), ...inside];
  return [
    ...spread.before, ...rootMount(root), ...sources,
    { call: 'openat', args: [-100, '/', O.DIRECTORY | O.CLOEXEC, 0], label: 'host', why: 'the way back' },
    { call: 'chroot', args: [root.path], why: 'no link leads out of the new root' },
    { call: 'chdir', args: ['/'] },
    ...inside,
    { call: 'fchdir', args: [{ resultOf: 'host' }], why: 'back to the host' },
    { call: 'chroot', args: ['.'] },
    ...(withHooks ? waitForLauncher(points.hooks, 'hooks of the host') : []),
    ...hookSteps('createContainer', spec.hooks?.createContainer ?? []),
    { call: 'close', args: [{ resultOf: 'host' }] },
    ...pivotSteps(root), ...spread.after,
  ];
}

function sourcesOf(spec: Spec, setting: CreateSetting, withUser: boolean): readonly Op[] {
  const names = mountNames(spec.mounts);
  const binds = spec.mounts.flatMap((mount, i) => {
    const source = isBind(mount) ? bindSourceOf(mount, names[i]!) : undefined;
    return typeof source === 'object' && 'resultOf' in source ? [bindSource(mount, names[i]!)] : [];
  });
  return [...binds, ...cgroupSourcesOf(spec, setting.cgroup), ...(withUser && ownDevices(spec) ? deviceSources(spec.linux.devices ?? []) : [])];
}

/** A bind over /dev brings its own devices. */
function ownDevices({ mounts }: Spec): boolean {
  return !mounts.some((mount) => mount.destination === '/dev' && isBind(mount));
}

function fileSystem(spec: Spec, setting: CreateSetting, withUser: boolean): readonly Step[] {
  const { mounts, linux } = spec;
  const names = mountNames(mounts);
  const devices = !ownDevices(spec) ? [] : withUser ? boundDeviceSteps(linux.devices ?? []) : deviceSteps(linux.devices ?? [], true);
  const steps: Step[] = [];
  for (const [i, mount] of mounts.entries()) {
    steps.push(...mountSteps(mount, names[i]!, { cgroup: cgroupMounts(spec, setting.cgroup), mountLabel: linux.mountLabel }));
    if (mount.destination === '/dev') steps.push(...devices);
  }
  if (!mounts.some(({ destination }) => destination === '/dev')) steps.push(...devices);
  return [...steps, ...sysctlSteps(linux.sysctl)];
}
