// From one repository to another without unpacking: an index with all that it names, a manifest with its blobs. The same bytes, so the same digests; who takes
// them verifies them. What the target's registry has in the source's repository is mounted, not sent.
import { fail, type Digest } from '../base/index.ts';
import type { Descriptor, Platform } from '../spec/oci/image.ts';
import { parseManifest } from '../spec/oci/manifest.ts';
import { chooseManifest } from '../spec/oci/platform.ts';
import type { Document, Repository } from './registry.ts';

export interface CopyOptions {
  /** The source's path, when it is in the target's registry. */
  readonly from?: string | undefined;
  /** Only this one of an index. */
  readonly platform?: Platform | undefined;
  readonly onBlob?: ((digest: Digest, state: BlobState) => void) | undefined;
}

export type BlobState = { readonly stage: 'copying'; readonly bytes: number; readonly ofBytes: number } | { readonly stage: 'there' | 'mounted' | 'uploaded' };

/** An index in an index in an index; deeper is no image but an attack. */
const depthMax = 3;
const blobsAtOnce = 3;

/** @returns what the target now means: the source's own descriptor, or that of the chosen platform */
export async function copyImage(source: Repository, tagOrDigest: string, target: Repository, targetTag: string | undefined, options: CopyOptions = {}): Promise<Descriptor> {
  const document = await chosen(source, await source.document(tagOrDigest), options.platform);
  await copyParts(source, document, target, options, 0, new Set());
  await target.putDocument(targetTag ?? document.descriptor.digest, document.bytes, document.descriptor.mediaType);
  return document.descriptor;
}

async function chosen(source: Repository, document: Document, platform: Platform | undefined): Promise<Document> {
  if (platform === undefined) return document;
  const parsed = parse(document);
  return 'index' in parsed ? source.document(chooseManifest(parsed.index.manifests, platform).digest) : document;
}

/** All that a document names, before the document itself: a registry refuses one whose parts it has not. */
async function copyParts(source: Repository, document: Document, target: Repository, options: CopyOptions, depth: number, seen: Set<Digest>): Promise<void> {
  const parsed = parse(document);
  if ('manifest' in parsed) return copyBlobs(source, [parsed.manifest.config, ...parsed.manifest.layers], target, options, seen);
  if (depth === depthMax) throw fail('unsupported', `The index ${document.descriptor.digest} is the ${depthMax + 1}th in a row of indexes that name each other`);
  for (const { digest } of parsed.index.manifests) {
    if (seen.has(digest)) continue;
    seen.add(digest);
    const part = await source.document(digest);
    await copyParts(source, part, target, options, depth + 1, seen);
    await target.putDocument(digest, part.bytes, part.descriptor.mediaType);
  }
}

async function copyBlobs(source: Repository, blobs: readonly Descriptor[], target: Repository, options: CopyOptions, seen: Set<Digest>): Promise<void> {
  const waiting = blobs.filter(({ digest }) => !seen.has(digest) && seen.add(digest));
  const work = async (): Promise<void> => {
    for (let blob = waiting.shift(); blob !== undefined; blob = waiting.shift()) await copyBlob(source, blob, target, options);
  };
  await Promise.all(Array.from({ length: blobsAtOnce }, work));
}

async function copyBlob(source: Repository, blob: Descriptor, target: Repository, { from, onBlob }: CopyOptions): Promise<void> {
  const sent = (bytes: number): void => onBlob?.(blob.digest, { stage: 'copying', bytes, ofBytes: blob.size });
  const stage = await target.putBlob(blob, (offset) => source.blob(blob, offset), { from, sent });
  onBlob?.(blob.digest, { stage });
}

function parse({ bytes, descriptor }: Document): ReturnType<typeof parseManifest> {
  return parseManifest(Buffer.from(bytes).toString('utf8'), descriptor.mediaType);
}
