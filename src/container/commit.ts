// commit: what the container changed becomes a layer on top of its image's, and its configuration the new image's. `diff` tells the same changes.
import type { Digest } from '../base/index.ts';
import { O, openIn } from '../kernel/index.ts';
import type { ContainerConfig } from '../spec/docker/container.ts';
import type { ImageRunConfig } from '../spec/oci/image.ts';
import { bytesOf } from '../spec/tar/index.ts';
import { compareTrees, pack } from '../storage/index.ts';
import type { ContainerRecord } from './container.ts';
import { until } from './copies.ts';
import type { CommitOptions, FileChange } from './file-verbs.ts';
import { mergeForImage } from './merge.ts';
import { pauseContainer, resume } from './pause.ts';
import type { Room } from './room.ts';

const directoryFlags = O.RDONLY | O.DIRECTORY;

export async function changesOf(room: Room, record: ContainerRecord): Promise<readonly FileChange[]> {
  using copy = room.copies.begin(record.id, 'read');
  using changed = room.storage.snapshots.openChanges(record.id);
  using layers = room.storage.snapshots.openLayers(record.layers);
  using upper = openIn(changed, '.', directoryFlags, 'plain');
  using below = openIn(layers, '.', directoryFlags, 'plain');
  const changes = await compareTrees(upper, below);
  copy.removed.throwIfAborted();
  return changes.map(({ path, kind }) => ({ path: `/${bytesOf(path).toString()}`, kind }));
}

/** Runs inside the container's queue: nothing starts, stops or removes it meanwhile. */
export async function commitContainer(room: Room, record: ContainerRecord, options: CommitOptions): Promise<Digest> {
  using copy = room.copies.begin(record.id, 'read');
  const { author, message, changes, reference, signal } = options;
  const asked = { author, message, changes, reference, signal, parent: record.imageId, layers: record.layers, platform: record.platform };
  const config = imageConfigOf(options.config === undefined ? record.config : mergeForImage(options.config, record.config));
  const commit = room.images.prepareCommit({ ...asked, config, createdBy: [...record.config.Entrypoint ?? [], ...record.config.Cmd ?? []].join(' ') });
  await using _still = await standStill(room, record, options.pause);
  using changed = room.storage.snapshots.openChanges(record.id);
  await using tar = pack({ what: 'directory', dir: openIn(changed, '.', directoryFlags, 'plain'), as: undefined, form: 'layer' });
  const id = await commit(until(tar.bytes, copy.removed, signal));
  room.tell({ kind: 'commit', container: record, imageId: id, comment: message });
  return id;
}

/** Pauses what runs and is not paused already; the end lets it go on. */
async function standStill(room: Room, record: ContainerRecord, isWanted: boolean): Promise<AsyncDisposable> {
  const isRunning = isWanted && record.state.status === 'running';
  if (isRunning) await pauseContainer(room, record);
  return {
    // eslint-disable-next-line typescript/require-await -- the shape is for what may wait
    async [Symbol.asyncDispose]() {
      // A kill may have let it go on and ended it meanwhile.
      if (isRunning && room.shelf.find(record.id)?.state.status === 'paused') resume(room, record);
    },
  };
}

/** What of a container's configuration an image keeps: all but what is of this one container. */
function imageConfigOf(config: ContainerConfig): ImageRunConfig {
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, Shell, OnBuild, Healthcheck } = config;
  return {
    ...(User === '' ? {} : { User }), ...(ExposedPorts === undefined ? {} : { ExposedPorts }), Env, ...(Entrypoint === null ? {} : { Entrypoint }), ...(Cmd === null ? {} : { Cmd }),
    ...(Volumes === null ? {} : { Volumes }), ...(WorkingDir === '' ? {} : { WorkingDir }), ...(Object.keys(Labels).length === 0 ? {} : { Labels }),
    ...(StopSignal === undefined ? {} : { StopSignal }), ...(Shell === undefined ? {} : { Shell }), ...(OnBuild === undefined || OnBuild === null ? {} : { OnBuild }),
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
  };
}
