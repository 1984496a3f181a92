// An image that a build has made: its layers are there, its configuration and names become visible in one step.
import { digestOf, fail, type Digest } from '../base/index.ts';
import type { ImageConfig } from '../spec/oci/image.ts';
import { layersMax } from '../spec/oci/config.ts';
import { parseReference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { putImages, sizeOf } from './install.ts';
import type { ImageStore } from './store.ts';
import type { Lease } from './sweeper.ts';

/** `references`: canonical. @throws `invalid` for more layers than a container can have */
export async function putBuilt(config: ImageConfig, references: readonly string[], storage: Storage, store: ImageStore, lease: Lease): Promise<Digest> {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length > layersMax) throw fail('invalid', `The image would have ${diffIds.length} layers; a container can have ${layersMax}`, { hint: 'Put several commands into one RUN' });
  const bytes = Buffer.from(JSON.stringify(config));
  const id = digestOf(bytes);
  await putImages({ images: [{ id, config, sizeBytes: sizeOf(storage, diffIds) }], references: references.map(parseReference) }, [bytes], storage, store, lease);
  return id;
}
