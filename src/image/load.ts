// `load`: an archive of images, of either kind. Docker 25 and later write archives that are both; manifest.json is then taken, as Docker does,
// unless there is an index of several platforms.
import { fail } from '../base/index.ts';
import { parseImageConfig } from '../spec/oci/config.ts';
import { formatPlatform, matchesPlatform } from '../spec/oci/platform.ts';
import { familiarReference } from '../spec/reference.ts';
import type { Storage } from '../storage/index.ts';
import { Archive } from './archive.ts';
import { decompress } from '../spec/compression.ts';
import { dockerArchiveSources } from './docker-archive.ts';
import type { LoadedImage, LoadOptions } from './image.ts';
import { installImage } from './install.ts';
import { hasPlatforms, ociArchiveSources } from './oci-archive.ts';
import type { ImageSource } from './source.ts';
import type { ImageStore } from './store.ts';
import type { Lease } from './sweeper.ts';

export async function loadArchive(bytes: AsyncIterable<Uint8Array>, storage: Storage, store: ImageStore, lease: Lease, { platforms = [], signal }: LoadOptions): Promise<readonly LoadedImage[]> {
  await using spool = await storage.openSpool();
  const archive = await Archive.read(decompress(bytes), spool, signal);
  const loaded = new Map<string, LoadedImage>();
  for (const source of await sourcesOf(archive)) {
    const config = parseImageConfig(source.config.toString('utf8'));
    if (platforms.length > 0 && !platforms.some((platform) => matchesPlatform(config, platform))) continue;
    const { id } = await installImage(source, config, storage, store, lease, signal);
    const repoTags = source.references.map(familiarReference);
    // Several platforms of one name are one image to whoever loads it.
    loaded.set(repoTags.length === 0 ? id : repoTags.join(' '), { id, repoTags });
  }
  if (loaded.size === 0) throw fail('not_found', `The archive has no image for ${platforms.map(formatPlatform).join(', ')}`);
  return [...loaded.values()];
}

async function sourcesOf(archive: Archive): Promise<readonly ImageSource[]> {
  // A manifest.json knows no platforms: an archive that has several is read as what else it is.
  if (archive.has('oci-layout') && archive.has('index.json') && await hasPlatforms(archive)) return ociArchiveSources(archive);
  if (archive.has('manifest.json')) return dockerArchiveSources(archive);
  if (archive.has('oci-layout') && archive.has('index.json')) return ociArchiveSources(archive);
  throw fail('invalid', 'Cannot load the archive: it has neither a manifest.json (docker-archive) nor an oci-layout (OCI archive)', {
    hint: 'To make an image from the tar of a root filesystem, use import',
  });
}
