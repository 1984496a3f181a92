// The plan of a container's first process: an OCI configuration becomes a list of system calls. Pure: no file is read, nothing is started.
import { fail } from '../../base/index.ts';
import { CLONE, loopback, mountAttributes, namespaceFlags, type Op, type Step } from '../../kernel/index.ts';
import type { Linux, NamespaceType, Spec } from '../../spec/oci/runtime.ts';
import { bornInPidNamespaceOf, cloneFrame } from './clone.ts';
import { maskSteps, readOnlySteps } from './confine.ts';
import { deviceSteps } from './devices.ts';
import { writeFile } from './jump.ts';
import { cgroupSourceSteps, isBind, mountNames, mountSteps, type CgroupMounts } from './mounts.ts';
import { become, execute, pipeSteps, type SeccompFilter } from './process.ts';
import { bindSource, lentSource, rootSteps } from './root.ts';
import { slots, type CgroupJoin, type LentMount, type Root } from './setting.ts';
import { consoleSteps, sessionSteps, terminalSteps } from './terminal.ts';

export interface StartSetting {
  readonly root: Root;
  readonly cgroup?: CgroupJoin | undefined;
  /** The bind mount whose source is another container's. */
  readonly lent?: LentMount | undefined;
  /** Destinations of binds whose sources whoever launches holds: slots `heldSlot(destination)`. */
  readonly held?: ReadonlySet<string> | undefined;
  /** Absent: unconfined. */
  readonly seccompFilter?: SeccompFilter | undefined;
  /** False when others in the process's pid namespace may trace it: it then gets a copy of our memory instead of sharing it. */
  readonly shareMemory: boolean;
  /** A new network namespace is not made but taken from whoever launches: slot `network`. */
  readonly preparedNetwork?: boolean;
}

/** @throws EstivaError `unsupported` or `invalid`, naming the field, for a configuration that cannot be run. */
export function planStart(spec: Spec, setting: StartSetting): readonly Step[] {
  refuseWhatIsNotThere(spec);
  const isNew = ({ type, path }: Linux['namespaces'][number]): boolean => path === undefined && !(type === 'network' && setting.preparedNetwork === true);
  const created = spec.linux.namespaces.filter(isNew).map(({ type }) => type);
  const takesNetwork = setting.preparedNetwork === true && spec.linux.namespaces.some(({ type, path }) => type === 'network' && path === undefined);
  // A cgroup namespace shows the cgroup that its maker was in: it is made after the join.
  const flags = created.filter((type) => type !== 'cgroup').reduce((sum, type) => sum + namespaceFlags[type], 0);
  const sharedPids = spec.linux.namespaces.find(({ type, path }) => type === 'pid' && path !== undefined)?.path;
  return cloneFrame([
    ...cgroupJoin(setting.cgroup),
    ...(created.includes('cgroup') ? [{ call: 'unshare', args: [CLONE.NEWCGROUP], why: 'its cgroup looks like the root of all cgroups' } satisfies Op] : []),
    ...(takesNetwork ? [{ call: 'setns', args: [{ slot: slots.network }, CLONE.NEWNET], why: 'a network namespace of its own, made beforehand; lo is up' } satisfies Op] : []),
    ...joinNamespaces(spec.linux),
    ...identitySteps(spec, created),
    { call: 'umask', args: [0], why: 'modes exactly as written below', onError: 'ignore' },
    ...rootSteps(setting.root, mountSources(spec, cgroupMounts(spec, setting.cgroup), setting)),
    ...fileSystem(spec, cgroupMounts(spec, setting.cgroup), setting.held),
    ...(spec.process.terminal === true ? [...terminalSteps({ size: spec.process.consoleSize, uid: spec.process.user.uid }), ...consoleSteps] : pipeSteps(spec.process.user.uid)),
    ...sessionSteps(spec.process.terminal === true),
    ...confinement(spec),
    ...become(spec.process, { ...setting, makeDirectory: true }),
    ...execute(spec.process),
  ], { flags, shareMemory: setting.shareMemory, ...(sharedPids === undefined ? {} : bornInPidNamespaceOf(sharedPids)) });
}

/** A container of the engine: what needs more of its launcher than the supervisor does is for estiva-runtime (create.ts). */
function refuseWhatIsNotThere(spec: Spec): void {
  const wanted = spec.linux.namespaces.find(({ type }) => type === 'user' || type === 'time');
  if (wanted !== undefined) throw fail('unsupported', `Namespaces of type "${wanted.type}" are not supported yet`);
  if (!spec.linux.namespaces.some(({ type, path }) => type === 'mount' && path === undefined)) throw fail('unsupported', 'A container needs a mount namespace of its own', { hint: 'Add {"type": "mount"} to linux.namespaces' });
}

export function cgroupJoin(cgroup: CgroupJoin | undefined): readonly Step[] {
  if (cgroup === undefined) return [];
  const files = cgroup.version === 1 ? cgroup.taskFiles : [cgroup.procsFile];
  return files.flatMap((file) => writeFile(file, '0', 'limits hold from here on'));
}

/** A process's pid namespace is its maker's for children: a process that joins one by itself would stay in the host's, and see it in its /proc. */
export function joinNamespaces({ namespaces }: Linux): readonly Op[] {
  return namespaces.filter(({ type, path }) => type !== 'pid' && type !== 'user' && path !== undefined).flatMap(({ type, path }): readonly Op[] => [
    { call: 'openat', args: [-100, path!, 0o2000000, 0], label: `namespace ${type}`, why: `an existing ${type} namespace` },
    { call: 'setns', args: [{ resultOf: `namespace ${type}` }, namespaceFlags[type]], why: 'which it joins' },
  ]);
}

/** Names, and the loopback interface of a network namespace of its own. */
export function identitySteps(spec: Spec, created: readonly NamespaceType[]): readonly Op[] {
  const steps: Op[] = [];
  if (spec.hostname !== undefined && spec.hostname !== '') steps.push({ call: 'sethostname', args: [spec.hostname, Buffer.byteLength(spec.hostname)], why: 'its host name' });
  if (spec.domainname !== undefined && spec.domainname !== '') steps.push({ call: 'setdomainname', args: [spec.domainname, Buffer.byteLength(spec.domainname)], why: 'its NIS domain' });
  if (created.includes('network')) steps.push(...loopbackSteps);
  return steps;
}

const loopbackSteps: readonly Op[] = [
  { call: 'socket', args: [loopback.AF_INET, loopback.SOCK_DGRAM_CLOEXEC, 0], label: 'inet', why: 'to speak about interfaces' },
  { call: 'ioctl', args: [{ resultOf: 'inet' }, loopback.SIOCSIFFLAGS, loopback.up], why: 'lo goes up' },
  { call: 'close', args: [{ resultOf: 'inet' }], onError: 'ignore' },
];

export function cgroupMounts({ linux }: Spec, join: CgroupJoin | undefined): CgroupMounts | undefined {
  return join === undefined ? undefined : { join, ownNamespace: linux.namespaces.some(({ type }) => type === 'cgroup') };
}

/** What of the host is shown in the container. */
function mountSources(spec: Spec, cgroup: CgroupMounts | undefined, { lent, held }: Pick<StartSetting, 'lent' | 'held'>): readonly Op[] {
  const names = mountNames(spec.mounts);
  return [...spec.mounts.flatMap((mount, i) => (!isBind(mount) || held?.has(mount.destination) === true ? [] : mount.destination === lent?.destination ? lentSource(lent) : [bindSource(mount, names[i]!)])), ...cgroupSourceSteps(spec.mounts, cgroup)];
}

export function cgroupSourcesOf(spec: Spec, join: CgroupJoin | undefined): readonly Op[] {
  return cgroupSourceSteps(spec.mounts, cgroupMounts(spec, join));
}

function fileSystem(spec: Spec, cgroup: CgroupMounts | undefined, held?: ReadonlySet<string>): readonly Step[] {
  const steps: Step[] = [];
  const names = mountNames(spec.mounts);
  for (const [i, mount] of spec.mounts.entries()) {
    steps.push(...mountSteps(mount, names[i]!, { cgroup, isHeld: held?.has(mount.destination) === true }));
    if (mount.destination === '/dev' && !isBind(mount)) steps.push(...deviceSteps(spec.linux.devices ?? []));
  }
  return [...steps, ...sysctlSteps(spec.linux.sysctl)];
}

export function sysctlSteps(sysctl: Linux['sysctl']): readonly Step[] {
  return Object.entries(sysctl ?? {}).flatMap(([name, value]) => writeFile(`/proc/sys/${name.replaceAll('.', '/')}`, value, `${name} = ${value}`));
}

export function confinement({ linux, root }: Spec): readonly Step[] {
  return [
    ...(linux.readonlyPaths ?? []).flatMap(readOnlySteps),
    ...(linux.maskedPaths ?? []).flatMap(maskSteps),
    ...(root.readonly === true ? [{ call: 'mount_setattr', args: [-100, '/', 0, mountAttributes(1), 32], why: 'the root is read-only' } satisfies Op] : []),
  ];
}
