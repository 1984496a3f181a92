// Parses manifests and indexes (OCI and Docker schema 2). A document must be exactly one of the two: one that is both could be read as one thing
// by the verifier and as another by the user (CVE-2021-41190). Layers that are somewhere else ("foreign", with urls) are refused.
import { decode, fail, messageOf, parseDigest, type Digest } from '../../base/index.ts';
import { mediaTypes, type Descriptor, type Index, type Manifest, type Platform } from './image.ts';

/** Of a manifest, an index or a configuration. */
export const documentBytesMax = 4 * 2 ** 20;

const digest: decode.Decode<Digest> = decode.mapped(decode.text, (text, path) => {
  try {
    return parseDigest(text);
  } catch (error) {
    throw fail('invalid', `${path}: ${messageOf(error)}`, { cause: error });
  }
});

const sizeBytes: decode.Decode<number> = decode.mapped(decode.integer, (value, path) => {
  if (value < 0 || !Number.isSafeInteger(value)) throw fail('invalid', `${path}: expected a size in bytes`);
  return value;
});

const platform = decode.object<Platform>({ architecture: decode.text, os: decode.text, variant: decode.optional(decode.text) });
const annotations = decode.optional(decode.dictionary(decode.text));

export const decodeDescriptor: decode.Decode<Descriptor> = decode.object<Descriptor>({
  mediaType: decode.text, digest, size: sizeBytes, platform: decode.optional(platform), artifactType: decode.optional(decode.text), annotations,
});

const schemaVersion: decode.Decode<2> = decode.mapped(decode.integer, (value, path) => {
  if (value === 1) throw fail('unsupported', "The image is stored in Docker's old manifest format (schema 1), which is not supported", { hint: 'It must be stored again with a tool of the last years' });
  if (value !== 2) throw fail('unsupported', `${path}: version ${value} is not supported`);
  return value;
});

const manifest = decode.object<Manifest>({
  schemaVersion, mediaType: decode.optional(decode.text), config: decodeDescriptor, layers: decode.list(layer), annotations,
});

const index = decode.object<Index>({ schemaVersion, mediaType: decode.optional(decode.text), manifests: decode.list(decodeDescriptor), annotations });

function layer(value: unknown, path: string): Descriptor {
  const urls = decode.fieldOf(value, 'urls');
  const parsed = decodeDescriptor(value, path);
  if (/foreign|nondistributable/.test(parsed.mediaType) || (Array.isArray(urls) && urls.length > 0)) {
    throw fail('unsupported', `${path}: the layer ${parsed.digest} is not part of the image but stored elsewhere (a foreign layer)`);
  }
  return parsed;
}

const indexTypes: ReadonlySet<string> = new Set([mediaTypes.ociIndex, mediaTypes.dockerIndex]);
const manifestTypes: ReadonlySet<string> = new Set([mediaTypes.ociManifest, mediaTypes.dockerManifest]);

/**
 * The manifest or index in `text`. `expectedType` is what the descriptor that named it said.
 * @throws `invalid` or `unsupported` naming the field.
 */
export function parseManifest(text: string, expectedType?: string): { readonly manifest: Manifest } | { readonly index: Index } {
  const value = decode.parseJson(text);
  const has = (key: string): boolean => decode.fieldOf(value, key) !== undefined;
  const own = decode.optional(decode.text)(decode.fieldOf(value, 'mediaType'), 'mediaType');
  if (own !== undefined && own !== '' && expectedType !== undefined && expectedType !== '' && own !== expectedType) throw fail('invalid', `mediaType: the document says ${JSON.stringify(own)}, its descriptor ${JSON.stringify(expectedType)}`);
  if (has('manifests') && (has('layers') || has('config') || has('fsLayers'))) throw fail('invalid', 'the document is a manifest and an index at once');
  const type = own === undefined || own === '' ? expectedType : own;
  if (has('manifests')) {
    if (type !== undefined && manifestTypes.has(type)) throw fail('invalid', 'the document is an index, but its type is that of a manifest');
    return { index: index(value, '') };
  }
  if (type !== undefined && indexTypes.has(type)) throw fail('invalid', 'the document is no index, but its type is that of one');
  return { manifest: manifest(value, '') };
}
