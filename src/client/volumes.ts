// Volumes: the typed calls of /volumes, Docker's and our own.
import type { VolumeCreateBody, VolumeList, VolumeView } from '../spec/docker/volume.ts';
import type { SnapshotView } from '../spec/estiva/volume.ts';
import { filtersText, type Filters } from './containers.ts';
import { textOf, type Docker, type Query } from './docker.ts';
import type { Answer } from './http.ts';
import { readMessages, type OnMessage } from './messages.ts';

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

/** A new volume `to` with the files; how far it is comes to `onMessage`. */
export function cloneVolume(docker: Docker, volume: string, to: string, onMessage: OnMessage): Promise<string> {
  return copying(docker, at(volume, '/estiva/clone'), { to }, onMessage);
}

/** Resolves with the snapshot's name; '' lets the daemon choose one. */
export function snapshotVolume(docker: Docker, volume: string, name: string, onMessage: OnMessage): Promise<string> {
  return copying(docker, at(volume, '/estiva/snapshots'), { name }, onMessage);
}

export function rollbackVolume(docker: Docker, volume: string, snapshot: string, onMessage: OnMessage): Promise<string> {
  return copying(docker, at(volume, '/estiva/rollback'), { snapshot }, onMessage);
}

async function copying(docker: Docker, path: string, query: Query, onMessage: OnMessage): Promise<string> {
  let made = '';
  await readMessages(await docker.call('POST', path, { query }), (message) => {
    if (message.aux === undefined) onMessage(message);
    else made = (message.aux as { readonly Name: string }).Name;
  });
  return made;
}

/** Oldest first. */
export function listSnapshots(docker: Docker, volume: string): Promise<readonly SnapshotView[]> {
  return docker.json('GET', at(volume, '/estiva/snapshots'));
}

export async function removeSnapshot(docker: Docker, volume: string, snapshot: string): Promise<void> {
  await textOf(await docker.call('DELETE', at(volume, `/estiva/snapshots/${encodeURIComponent(snapshot)}`)));
}

/** The tar of its files; read it to its end, or close the answer. */
export function exportVolume(docker: Docker, volume: string): Promise<Answer> {
  return docker.call('GET', at(volume, '/estiva/export'));
}

export async function importVolume(docker: Docker, volume: string, tar: AsyncIterable<Uint8Array>, options: { readonly replace: boolean }): Promise<void> {
  const upload = { bytes: tar, contentType: 'application/x-tar' };
  await textOf(await docker.call('PUT', at(volume, '/estiva/import'), { upload, query: { replace: options.replace } }));
}
