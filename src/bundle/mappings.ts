// Ids of users that are others inside: the maps of a container's user namespace, and mounts that show a host's files under other ids.
import { cloneMount, Fd, idmapMount, mountHolding, O, openUserNamespace, parseMountOptions, readMountinfo } from '../kernel/index.ts';
import { heldByLauncher, mountNames } from '../runtime/index.ts';
import type { IdMapping, Spec } from '../spec/oci/runtime.ts';

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
    using place = Fd.open(mount.source ?? '', O.PATH);
    const tree = owner.use(cloneMount(place, mount.options?.includes('rbind') === true));
    const key = JSON.stringify(maps);
    const namespace = namespaces.get(key) ?? owner.use(openUserNamespace(maps));
    namespaces.set(key, namespace);
    idmapMount(tree, namespace, { recursive: parseMountOptions(mount.options ?? []).idmap === 'ridmap' });
    prepared.set(`source of ${names[index]!}`, tree.number);
  }
  return prepared;
}

/** Where the mount lies that holds `path`. */
export function mountPointOf(path: string): string {
  return mountHolding(path, readMountinfo()).point;
}
