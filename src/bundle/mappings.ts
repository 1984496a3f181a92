// Ids of users that are others inside: the maps of a container's user namespace, and mounts that show a host's files under other ids.
import { readFileSync, writeFileSync } from 'node:fs';
import { assemble, Arena, call, callWaiting, cloneArguments, CLONE, Fd, hostArchitecture, idmapAttributes, KernelError, O, parseMountOptions, sendSignal, type Step } from '../kernel/index.ts';
import { heldByLauncher, mountNames } from '../runtime/index.ts';
import type { IdMapping, Spec } from '../spec/oci/runtime.ts';

const SIGKILL = 9;
const P_PIDFD = 3;
const WEXITED = 4;
const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const AT_FDCWD = -100;

export function writeMaps(pid: number, { uidMappings = [], gidMappings = [] }: { readonly uidMappings?: readonly IdMapping[]; readonly gidMappings?: readonly IdMapping[] }): void {
  writeFileSync(`/proc/${pid}/uid_map`, mapText(uidMappings));
  writeFileSync(`/proc/${pid}/gid_map`, mapText(gidMappings));
}

function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/** The id on the host of one inside; undefined when nobody outside is it. */
export function hostId(mappings: readonly IdMapping[] | undefined, id: number): number | undefined {
  if (mappings === undefined || mappings.length === 0) return id;
  const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return found === undefined ? undefined : found.hostID + id - found.containerID;
}

/** Takes hold of the sources that the launcher must prepare: the slots of the plan, filled. The descriptors belong to `owner`. */
export function prepareMounts(spec: Spec, owner: DisposableStack): ReadonlyMap<string, number> {
  const names = mountNames(spec.mounts);
  const prepared = new Map<string, number>();
  const namespaces = new Map<string, Fd>();
  for (const [index, mount] of spec.mounts.entries()) {
    if (!heldByLauncher(mount)) continue;
    const maps = { uidMappings: mount.uidMappings ?? spec.linux.uidMappings ?? [], gidMappings: mount.gidMappings ?? spec.linux.gidMappings ?? [] };
    const recursive = mount.options?.includes('rbind') === true ? AT_RECURSIVE : 0;
    const tree = owner.use(new Fd(call('open_tree', AT_FDCWD, mount.source ?? '', OPEN_TREE_CLONE | O.CLOEXEC | recursive)));
    const key = JSON.stringify(maps);
    const namespace = namespaces.get(key) ?? owner.use(openUserNamespace(maps));
    namespaces.set(key, namespace);
    const below = parseMountOptions(mount.options ?? []).idmap === 'ridmap' ? AT_RECURSIVE : 0;
    call('mount_setattr', tree.number, '', AT_EMPTY_PATH | below, idmapAttributes(namespace.number), 32);
    prepared.set(`source of ${names[index]!}`, tree.number);
  }
  return prepared;
}

/** A user namespace with these maps and nobody in it: a child is born into it, and killed. */
function openUserNamespace(maps: Parameters<typeof writeMaps>[1]): Fd {
  const steps: readonly Step[] = [
    {
      call: 'clone3', onPositive: { goto: 'parent' }, onError: { goto: 'parent' },
      args: [cloneArguments({ flags: CLONE.VM + CLONE.NEWUSER + CLONE.PIDFD + CLONE.PARENT_SETTID + CLONE.CLEAR_SIGHAND, pidfd: { space: 'pidfd', sizeBytes: 8 }, pid: { space: 'pid', sizeBytes: 8 }, stack: { space: 'stack', sizeBytes: 16384 }, stackBytes: 16384 }), 88],
    },
    { call: 'ppoll', args: [0, 0, 0, 0, 8], onError: 'ignore', why: 'until it is killed' },
    { call: 'exit_group', args: [0] },
    { label: 'parent' },
    { call: 'getpid', args: [] },
  ];
  const image = assemble(steps, hostArchitecture());
  using arena = Arena.load(image);
  arena.run();
  if (arena.result(0) < 0) throw new KernelError('clone3', 'CLONE_NEWUSER', -arena.result(0));
  using pidfd = new Fd(arena.int32(image.spaces.get('pidfd')!));
  const pid = arena.int32(image.spaces.get('pid')!);
  try {
    writeMaps(pid, maps);
    return Fd.open(`/proc/${pid}/ns/user`, O.RDONLY);
  } finally {
    sendSignal(pidfd, SIGKILL);
    callWaiting('waitid', P_PIDFD, pidfd.number, 0, WEXITED, 0);
  }
}

/** Where the mount lies that holds `path`: the longest mount point above it. Source: proc_pid_mountinfo(5). */
export function mountPointOf(path: string): string {
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
  const above = points.filter((point) => point === '/' || path === point || path.startsWith(`${point}/`));
  return above.reduce((longest, point) => (point.length > longest.length ? point : longest), '/');
}
