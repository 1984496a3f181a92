// What becomes of a build besides an image that is kept: its files, or an archive of the image, sent to who asked. Nothing of them is stored here.
import { fail, type Digest } from '../../base/index.ts';
import { O, openIn } from '../../kernel/index.ts';
import { layersMax } from '../../spec/oci/config.ts';
import type { ImageConfig } from '../../spec/oci/image.ts';
import { pack, type Storage } from '../../storage/index.ts';
import type { BuildPorts } from './ports.ts';

export interface SentOutput {
  /** A tar of the files, or an archive with the image: an OCI layout, or the same that Docker reads as well. */
  readonly kind: 'files' | 'oci' | 'docker';
  /** Of the manifest in an archive. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Takes the tar to its end. */
  readonly send: (bytes: AsyncIterable<Uint8Array>) => Promise<void>;
}

export interface SentRoom {
  readonly storage: Storage;
  readonly ports: Pick<BuildPorts, 'archive'>;
  readonly epochSeconds: number | undefined;
}

/** Gives the digest of an archive's manifest. */
export async function sendOutput({ kind, annotations, send }: SentOutput, config: ImageConfig, references: readonly string[], { storage, ports, epochSeconds }: SentRoom): Promise<Digest | undefined> {
  const layers = config.rootfs.diff_ids;
  if (layers.length > layersMax) throw fail('invalid', `The image would have ${layers.length} layers; a container can have ${layersMax}`, { hint: 'Put several commands into one RUN' });
  if (kind !== 'files') {
    const { bytes, manifest } = ports.archive(config, references, { isForDocker: kind === 'docker', annotations });
    await send(bytes);
    return manifest;
  }
  using root = storage.snapshots.openFiles(layers);
  await using tar = pack({ what: 'directory', dir: openIn(root, '.', O.RDONLY | O.DIRECTORY, 'plain'), as: undefined, form: 'tree', latestSeconds: epochSeconds });
  await send(tar.bytes);
  return undefined;
}
