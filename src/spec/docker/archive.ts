// The docker-archive: what `docker save` writes. A tar with `manifest.json`, a list of images; each names a configuration and layers by their paths
// in the tar. Up to Docker 24 a layer is `<id>/layer.tar` (and may be a symlink to another one), since 25 the same paths lie in `blobs/`, and
// the tar is an OCI layout as well.
import { decode, fail } from '../../base/index.ts';

export interface ArchiveImage {
  /** Path of the configuration in the tar. */
  readonly Config: string;
  readonly RepoTags: readonly string[];
  /** Paths of the layers, lowest first. */
  readonly Layers: readonly string[];
}

const image = decode.object<ArchiveImage>({ Config: decode.text, RepoTags: decode.list(decode.text), Layers: decode.list(decode.text) });

/** @throws `invalid` naming the field. */
export function parseArchiveManifest(text: string): readonly ArchiveImage[] {
  const images = decode.decodeJson(text, decode.list(image));
  if (images.length === 0) throw fail('invalid', 'manifest.json names no image');
  return images;
}
