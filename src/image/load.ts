// `load`: an archive of images, of either kind. Docker 25 and later write archives that are both; manifest.json is then taken, as Docker does.
import { fail } from '../base/index.ts';
import { familiarReference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { Archive } from './archive.ts';
import { decompress } from '../spec/compression.ts';
import { dockerArchiveSources } from './docker-archive.ts';
import type { LoadedImage } from './image.ts';
import { installImage } from './install.ts';
import { ociArchiveSources } from './oci-archive.ts';
import type { ImageSource } from './source.ts';
import type { ImageStore } from './store.ts';
import type { Lease } from './sweeper.ts';

export async function loadArchive(bytes: AsyncIterable<Uint8Array>, storage: Storage, store: ImageStore, lease: Lease, signal: AbortSignal | undefined): Promise<readonly LoadedImage[]> {
  await using spool = await storage.openSpool();
  const archive = await Archive.read(decompress(bytes), spool, signal);
  const loaded: LoadedImage[] = [];
  for (const source of await sourcesOf(archive)) {
    const { id } = await installImage(source, storage, store, lease, signal);
    loaded.push({ id, repoTags: source.references.map(familiarReference) });
  }
  return loaded;
}

async function sourcesOf(archive: Archive): Promise<readonly ImageSource[]> {
  if (archive.has('manifest.json')) return dockerArchiveSources(archive);
  if (archive.has('oci-layout') && archive.has('index.json')) return ociArchiveSources(archive);
  throw fail('invalid', 'Cannot load the archive: it has neither a manifest.json (docker-archive) nor an oci-layout (OCI archive)', {
    hint: 'To make an image from the tar of a root filesystem, use import',
  });
}
