// The plan of a container's first process: an OCI configuration becomes a list of system calls. Pure: no file is read, nothing is started.
import { fail } from '../../base/index.ts';
import { CLONE, mountAttributes, namespaceFlags, type Op, type Step } from '../../kernel/index.ts';
import type { Linux, NamespaceType, Spec } from '../../spec/oci/runtime.ts';
import { bornInPidNamespace, cloneFrame } from './clone.ts';
import { maskSteps, readOnlySteps } from './confine.ts';
import { deviceSteps } from './devices.ts';
import { writeFile } from './jump.ts';
import { isBind, mountSteps } from './mounts.ts';
import { become, execute, pipeSteps, type SeccompFilter } from './process.ts';
import { rootSteps } from './root.ts';
import type { CgroupJoin, LentMount, Root } from './setting.ts';
import { consoleSteps, sessionSteps, terminalSteps } from './terminal.ts';

export interface StartSetting {
  readonly root: Root;
  readonly cgroup?: CgroupJoin | undefined;
  /** The bind mount whose source is another container's. */
  readonly lent?: LentMount | undefined;
  /** Absent: unconfined. */
  readonly seccompFilter?: SeccompFilter | undefined;
  /** False when others in the process's pid namespace may trace it: it then gets a copy of our memory instead of sharing it. */
  readonly shareMemory: boolean;
}

/** @throws EstivaError `unsupported` or `invalid`, naming the field, for a configuration that cannot be run. */
export function planStart(spec: Spec, setting: StartSetting): readonly Step[] {
  refuseWhatIsNotThere(spec);
  const created = spec.linux.namespaces.filter(({ path }) => path === undefined).map(({ type }) => type);
  // A cgroup namespace shows the cgroup that its maker was in: it is made after the join.
  const flags = created.filter((type) => type !== 'cgroup').reduce((sum, type) => sum + namespaceFlags[type], 0);
  const sharedPids = spec.linux.namespaces.find(({ type, path }) => type === 'pid' && path !== undefined)?.path;
  return cloneFrame([
    ...cgroupJoin(setting.cgroup),
    ...(created.includes('cgroup') ? [{ call: 'unshare', args: [CLONE.NEWCGROUP], why: 'its cgroup looks like the root of all cgroups' } satisfies Op] : []),
    ...joinNamespaces(spec.linux),
    ...identitySteps(spec, created),
    { call: 'umask', args: [0], why: 'modes exactly as written below', onError: 'ignore' },
    ...rootSteps(setting.root, spec.mounts.filter(isBind), setting.lent),
    ...fileSystem(spec, setting),
    ...(spec.process.terminal === true ? [...terminalSteps({ size: spec.process.consoleSize, uid: spec.process.user.uid }), ...consoleSteps] : pipeSteps(spec.process.user.uid)),
    ...sessionSteps(spec.process.terminal === true),
    ...confinement(spec),
    ...become(spec.process, { ...setting, makeDirectory: true }),
    ...execute(spec.process),
  ], { flags, shareMemory: setting.shareMemory, ...(sharedPids === undefined ? {} : bornInPidNamespaceOf(sharedPids)) });
}

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
function joinNamespaces({ namespaces }: Linux): readonly Op[] {
  return namespaces.filter(({ type, path }) => type !== 'pid' && path !== undefined).flatMap(({ type, path }): readonly Op[] => [
    { call: 'openat', args: [-100, path!, 0o2000000, 0], label: `namespace ${type}`, why: `an existing ${type} namespace` },
    { call: 'setns', args: [{ resultOf: `namespace ${type}` }, namespaceFlags[type]], why: 'which it joins' },
  ]);
}

function bornInPidNamespaceOf(path: string): { readonly before: readonly Op[]; readonly after: readonly Op[] } {
  const { before, after } = bornInPidNamespace({ resultOf: 'namespace pid' });
  const open: Op = { call: 'openat', args: [-100, path, 0o2000000, 0], label: 'namespace pid', onError: { goto: 'parent' }, why: 'an existing pid namespace' };
  return { before: [open, ...before], after: [...after, { call: 'close', args: [{ resultOf: 'namespace pid' }], onError: 'ignore' }] };
}

/** Names, and the loopback interface of a network namespace of its own. */
function identitySteps(spec: Spec, created: readonly NamespaceType[]): readonly Op[] {
  const steps: Op[] = [];
  if (spec.hostname !== undefined) steps.push({ call: 'sethostname', args: [spec.hostname, Buffer.byteLength(spec.hostname)], why: 'its host name' });
  if (spec.domainname !== undefined) steps.push({ call: 'setdomainname', args: [spec.domainname, Buffer.byteLength(spec.domainname)], why: 'its NIS domain' });
  if (created.includes('network')) steps.push(...loopback);
  return steps;
}

/** Source: netdevice(7). `struct ifreq` is 40 bytes: 16 of name, then the flags. */
const loopback: readonly Op[] = [
  { call: 'socket', args: [2, 2 | 0o2000000, 0], label: 'inet', why: 'to speak about interfaces' },
  { call: 'ioctl', args: [{ resultOf: 'inet' }, 0x8914, loopbackUp()], why: 'lo goes up' },
  { call: 'close', args: [{ resultOf: 'inet' }], onError: 'ignore' },
];

function loopbackUp(): Uint8Array {
  const request = Buffer.alloc(40);
  request.write('lo');
  const IFF_UP_RUNNING = 0x1 | 0x40;
  request.writeUInt16LE(IFF_UP_RUNNING, 16);
  return request;
}

function fileSystem(spec: Spec, setting: StartSetting): readonly Step[] {
  const steps: Step[] = [];
  for (const mount of spec.mounts) {
    steps.push(...mountSteps(mount, setting.cgroup));
    if (mount.destination === '/dev' && !isBind(mount)) steps.push(...deviceSteps(spec.linux.devices ?? []));
  }
  for (const [name, value] of Object.entries(spec.linux.sysctl ?? {})) steps.push(...writeFile(`/proc/sys/${name.replaceAll('.', '/')}`, value, `${name} = ${value}`));
  return steps;
}

function confinement({ linux, root }: Spec): readonly Step[] {
  return [
    ...(linux.readonlyPaths ?? []).flatMap(readOnlySteps),
    ...(linux.maskedPaths ?? []).flatMap(maskSteps),
    ...(root.readonly === true ? [{ call: 'mount_setattr', args: [-100, '/', 0, mountAttributes(1), 32], why: 'the root is read-only' } satisfies Op] : []),
  ];
}
