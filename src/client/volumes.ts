// Volumes: the typed calls of /volumes.
import type { VolumeCreateBody, VolumeList, VolumeView } from '../spec/docker/volume.ts';
import { filtersText, type Filters } from './containers.ts';
import { textOf, type Docker } from './docker.ts';

const at = (volume: string, rest = ''): string => `/volumes/${encodeURIComponent(volume)}${rest}`;

export async function listVolumes(docker: Docker, filters?: Filters): Promise<readonly VolumeView[]> {
  const { Volumes } = await docker.json<VolumeList>('GET', '/volumes', { query: { filters: filtersText(filters) } });
  return Volumes;
}

/** Inspect as the daemon wrote it, for showing it unchanged. */
export async function inspectVolumeText(docker: Docker, volume: string): Promise<string> {
  return textOf(await docker.call('GET', at(volume)));
}

/** The one that is there already, whatever the body says beside its name. */
export function createVolume(docker: Docker, body: VolumeCreateBody): Promise<VolumeView> {
  return docker.json('POST', '/volumes/create', { body });
}

export async function removeVolume(docker: Docker, volume: string, options: { readonly force: boolean }): Promise<void> {
  await textOf(await docker.call('DELETE', at(volume), { query: { force: options.force } }));
}

export function pruneVolumes(docker: Docker, filters: Filters): Promise<{ readonly VolumesDeleted: readonly string[] | null; readonly SpaceReclaimed: number }> {
  return docker.json('POST', '/volumes/prune', { query: { filters: filtersText(filters) } });
}
