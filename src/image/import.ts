// `import`: the tar of a root filesystem becomes an image of one layer, with a configuration made of changes.
import { digestOf, fail, type Digest } from '../base/index.ts';
import type { ImageConfig } from '../spec/oci/image.ts';
import { hostPlatform, parsePlatform } from '../spec/oci/platform.ts';
import { parseReference, withDefaultTag, type Reference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { applyChanges } from './changes.ts';
import { decompress } from '../spec/compression.ts';
import type { ImportOptions } from './image.ts';
import { putImages } from './install.ts';
import type { ImageStore } from './store.ts';
import type { Lease } from './sweeper.ts';

export async function importImage(archive: AsyncIterable<Uint8Array>, options: ImportOptions, storage: Storage, store: ImageStore, lease: Lease): Promise<Digest> {
  // All that can be wrong with the words is found before the archive is read.
  const references = options.reference === undefined || options.reference === '' ? [] : [newReference(options.reference, 'import')];
  const platform = options.platform === undefined || options.platform === '' ? hostPlatform() : parsePlatform(options.platform);
  const config = applyChanges({}, options.changes ?? []);
  const layer = await storage.snapshots.unpack(decompress(archive), { signal: options.signal });
  const created = new Date().toISOString();
  const image: ImageConfig = {
    created, ...platform, config, rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created, comment: options.message === undefined || options.message === '' ? 'Imported from -' : options.message }],
  };
  const bytes = Buffer.from(JSON.stringify(image));
  const id = digestOf(bytes);
  await putImages({ images: [{ id, config: image, sizeBytes: layer.sizeBytes }], references }, [bytes], storage, store, lease);
  return id;
}

/** The name of an image that is being made. */
export function newReference(text: string, verb: 'import' | 'commit'): Reference {
  const reference = withDefaultTag(parseReference(text));
  if (reference.digest !== undefined) throw fail('invalid', verb === 'import' ? 'cannot import digest reference' : 'refusing to create a tag with a digest reference');
  return reference;
}
