// What a configuration may ask for and no plan here can do: refused by the field's name, before anything is made.
import { fail } from '../../base/index.ts';
import type { NamespaceType, Process, Spec } from '../../spec/oci/runtime.ts';
import { isBind } from './mounts.ts';
import type { SecurityModules } from './labels.ts';

/** @throws EstivaError `unsupported` or `invalid`, naming the field. */
export function refuseUnsupported(spec: Spec, modules: SecurityModules): void {
  const { linux } = spec;
  if (linux.intelRdt !== undefined) throw fail('unsupported', 'linux.intelRdt: Intel Resource Director Technology is not supported', { hint: 'Leave the field out; cache and memory bandwidth are then not divided' });
  if (linux.memoryPolicy !== undefined) throw fail('unsupported', 'linux.memoryPolicy: NUMA policies are not supported', { hint: 'Bind memory to nodes with linux.resources.cpu.mems' });
  if (linux.netDevices !== undefined && Object.keys(linux.netDevices).length > 0) throw fail('unsupported', 'linux.netDevices: moving network devices is not supported', { hint: 'Move them with "ip link set DEVICE netns PID" between create and start' });
  if (linux.resources?.memory?.checkBeforeUpdate === true) throw fail('unsupported', 'linux.resources.memory.checkBeforeUpdate: use is not looked at before a limit is set', { hint: 'Leave the field out; the kernel refuses a limit that is below the use (version 1), or reclaims (version 2)' });
  if (linux.resources?.memory?.useHierarchy === false) throw fail('unsupported', 'linux.resources.memory.useHierarchy: groups below always count in those above', { hint: 'Leave the field out' });
  refuseOtherSystems(spec);
  refuseNamespaces(spec);
  refuseMounts(spec);
  refuseSysctls(spec);
  refuseLabels(spec.process, modules);
}

function refuseOtherSystems(spec: Spec): void {
  const section = (['freebsd', 'solaris', 'vm', 'windows', 'zos'] as const).find((name) => spec[name] !== undefined);
  if (section !== undefined) throw fail('unsupported', `${section}: containers are Linux's own here, and this section is for others`, { hint: 'Leave the section out' });
}

/** Labels that this kernel could not give: to run without would be to run with less protection than was asked for. */
export function refuseLabels({ apparmorProfile = '', selinuxLabel = '' }: Process, modules: SecurityModules): void {
  if (apparmorProfile !== '' && !modules.apparmor) throw fail('unsupported', `process.apparmorProfile: cannot apply "${apparmorProfile}": AppArmor is not enabled on this host`);
  if (selinuxLabel !== '' && !modules.selinux) throw fail('unsupported', `process.selinuxLabel: cannot apply "${selinuxLabel}": SELinux is not enabled on this host`);
}

function refuseNamespaces({ linux, hostname = '', domainname = '' }: Spec): void {
  const { namespaces } = linux;
  const types = namespaces.map(({ type }) => type);
  const twice = types.find((type, index) => types.indexOf(type) !== index);
  if (twice !== undefined) throw fail('invalid', `linux.namespaces: "${twice}" is there twice`);
  if (!types.includes('mount')) throw fail('unsupported', 'linux.namespaces: a container needs a mount namespace', { hint: 'Add {"type": "mount"}' });
  if (hostname !== '' && !types.includes('uts')) throw fail('invalid', 'hostname: it would be the host\'s, for there is no uts namespace', { hint: 'Add {"type": "uts"} to linux.namespaces' });
  if (domainname !== '' && !types.includes('uts')) throw fail('invalid', 'domainname: it would be the host\'s, for there is no uts namespace', { hint: 'Add {"type": "uts"} to linux.namespaces' });
  const user = namespaces.find(({ type }) => type === 'user');
  const mapped = (linux.uidMappings?.length ?? 0) > 0 && (linux.gidMappings?.length ?? 0) > 0;
  if (user !== undefined && user.path === undefined && !mapped) throw fail('invalid', 'linux.uidMappings and linux.gidMappings: a new user namespace needs both');
  if (user === undefined && ((linux.uidMappings?.length ?? 0) > 0 || (linux.gidMappings?.length ?? 0) > 0)) throw fail('invalid', 'linux.uidMappings: there is no user namespace for them', { hint: 'Add {"type": "user"} to linux.namespaces' });
  if (linux.timeOffsets !== undefined && !namespaces.some(({ type, path }) => type === 'time' && path === undefined)) throw fail('invalid', 'linux.timeOffsets: there is no new time namespace for them', { hint: 'Add {"type": "time"} to linux.namespaces' });
}

function refuseMounts({ mounts, linux }: Spec): void {
  for (const [index, mount] of mounts.entries()) {
    const idmapped = mount.uidMappings !== undefined || mount.gidMappings !== undefined;
    if ((mount.uidMappings === undefined) !== (mount.gidMappings === undefined)) throw fail('invalid', `mounts[${index}].uidMappings: uidMappings and gidMappings are given together or not at all`);
    if (idmapped && !isBind(mount)) throw fail('unsupported', `mounts[${index}].uidMappings: only bind mounts can show other ids`);
    const named = mount.options?.some((option) => option === 'idmap' || option === 'ridmap') === true;
    if (named && !isBind(mount)) throw fail('unsupported', `mounts[${index}].options: only bind mounts can show other ids`);
    if (named && !idmapped && (linux.uidMappings?.length ?? 0) === 0) throw fail('invalid', `mounts[${index}].options: no ids are mapped`, { hint: 'Give the mount uidMappings and gidMappings, or the container a user namespace' });
    if (mount.options?.includes('tmpcopyup') === true && mount.type !== 'tmpfs') throw fail('invalid', `mounts[${index}].options: "tmpcopyup" is for mounts of type tmpfs`);
    if (mount.destination === '/') throw fail('invalid', `mounts[${index}].destination: "/" is the root itself`);
  }
}

/** Settings of the kernel that a namespace has for itself; all others are the host's. Source: proc_sys_kernel(5), ipc_namespaces(7). */
const namespaced: readonly (readonly [RegExp, NamespaceType])[] = [
  [/^net\./, 'network'], [/^fs\.mqueue\./, 'ipc'], [/^kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|msg_next_id|sem_next_id|shm_next_id|auto_msgmni)$/, 'ipc'], [/^kernel\.(domainname|hostname)$/, 'uts'],
];

function refuseSysctls({ linux }: Spec): void {
  for (const given of Object.keys(linux.sysctl ?? {})) {
    const name = given.replaceAll('/', '.');
    if (/(^|\.)\.|\.$|[^\w.\-+]/.test(name)) throw fail('invalid', `linux.sysctl: ${JSON.stringify(given)} is no name of a setting`);
    const type = namespaced.find(([pattern]) => pattern.test(name))?.[1];
    const own = linux.namespaces.find((namespace) => namespace.type === type);
    if (type === undefined) throw fail('invalid', `linux.sysctl: sysctl "${given}" is not in a separate kernel namespace`, { hint: 'It belongs to the host: set it there' });
    if (own === undefined) throw fail('invalid', `linux.sysctl: "${given}" would change the host: it belongs to the ${type} namespace, and the container has none of its own`);
  }
}
