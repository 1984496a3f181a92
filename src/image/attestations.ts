// What is attested of an image: in-toto statements, which BuildKit puts beside it in its index (provenance, bills of materials). They came with the pull
// (documents.ts) and are kept as they are; whether they are true is nothing that is looked into here.
import { decode, type Digest } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import { documentBytesMax, parseManifest } from '../spec/oci/manifest.ts';
import type { Content } from '../storage/index.ts';
import type { ImageRecord, ImageStore } from './store.ts';
import type { Target } from './target.ts';

export interface Attestation {
  readonly descriptor: Descriptor;
  readonly predicateType: string;
  /** The statement's JSON, when it was asked for. */
  readonly statement: unknown;
}

export interface AttestationOptions {
  /** Only statements of these types. */
  readonly predicateTypes: readonly string[];
  readonly withStatements: boolean;
}

const statementBytesMax = 64 * 2 ** 20;
const typeAnnotation = 'in-toto.io/predicate-type';

export async function attestationsOf(image: ImageRecord, { predicateTypes, withStatements }: AttestationOptions, store: ImageStore, content: Content): Promise<readonly Attestation[]> {
  const found: Attestation[] = [];
  for (const target of store.targets()) {
    for (const manifest of attestingManifests(target, image.id)) {
      if (!content.has(manifest.digest)) continue;
      const document = parseManifest(text(await content.read(manifest.digest, documentBytesMax)), manifest.mediaType);
      for (const layer of 'manifest' in document ? document.manifest.layers : []) {
        const predicateType = layer.annotations?.[typeAnnotation];
        if (predicateType === undefined || found.some(({ descriptor }) => descriptor.digest === layer.digest)) continue;
        if (predicateTypes.length > 0 && !predicateTypes.includes(predicateType)) continue;
        found.push({ descriptor: layer, predicateType, statement: withStatements ? decode.parseJson(text(await content.read(layer.digest, statementBytesMax))) : undefined });
      }
    }
  }
  return found;
}

/** Those in the index that are about the image's manifest. */
function attestingManifests({ children, platforms }: Target, imageId: Digest): readonly Descriptor[] {
  const manifests = platforms.filter((one) => one.imageId === imageId).map(({ manifest }) => manifest.digest as string);
  return children.filter(({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' && manifests.includes(annotations['vnd.docker.reference.digest'] ?? ''));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
