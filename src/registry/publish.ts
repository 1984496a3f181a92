// Manifests and indexes on their way out. One that is about another (its subject) is entered into that one's list, where the registry does not do that itself.
import { decode, digestOf, fail, parseDigest, type Digest } from '../base/index.ts';
import { mediaTypes, type Descriptor, type Index } from '../spec/oci/image.ts';
import type { Endpoint } from './endpoint.ts';
import { failureOf } from './failure.ts';
import { referrersTag, tagFor } from './lists.ts';
import type { Reply } from './wire.ts';

/** What is asked of a document that has a subject. */
const referring = decode.object<{ readonly artifactType: string; readonly config: { readonly mediaType: string }; readonly subject: { readonly digest: string }; readonly annotations: Readonly<Record<string, string>> }>({
  artifactType: decode.text, config: decode.object({ mediaType: decode.text }), subject: decode.object({ digest: decode.text }), annotations: decode.dictionary(decode.text),
});

export async function putDocument(endpoint: Endpoint, tagOrDigest: string, bytes: Uint8Array, mediaType: string, scopes: readonly string[]): Promise<Digest> {
  const reply = await putManifest(endpoint, tagOrDigest, bytes, mediaType, scopes);
  const digest = digestOf(bytes);
  const { artifactType, config, subject, annotations } = decode.decodeJson(Buffer.from(bytes).toString('utf8'), referring);
  if (subject.digest === '' || reply.headers['oci-subject'] !== undefined) return digest;
  const descriptor: Descriptor = { mediaType, digest, size: bytes.length, artifactType: artifactType || config.mediaType, ...Object.keys(annotations).length === 0 ? {} : { annotations } };
  await enterReferrer(endpoint, parseDigest(subject.digest), descriptor, scopes);
  return digest;
}

/** Not safe against others who do the same at this moment: the protocol has no way for it. */
async function enterReferrer(endpoint: Endpoint, subject: Digest, descriptor: Descriptor, scopes: readonly string[]): Promise<void> {
  const { manifests } = await referrersTag(endpoint, subject, scopes);
  if (manifests.some(({ digest }) => digest === descriptor.digest)) return;
  const index: Index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...manifests, descriptor] };
  await putManifest(endpoint, tagFor(subject), Buffer.from(JSON.stringify(index)), mediaTypes.ociIndex, scopes);
}

async function putManifest(endpoint: Endpoint, tagOrDigest: string, bytes: Uint8Array, mediaType: string, scopes: readonly string[]): Promise<Reply> {
  const headers = { 'Content-Type': mediaType, 'Content-Length': String(bytes.length) };
  const reply = await endpoint.send({ method: 'PUT', path: `v2/${endpoint.site.path}/manifests/${tagOrDigest}`, headers, body: () => bytes, scopes });
  if (reply.status !== 201 && reply.status !== 200 && reply.status !== 202) throw failureOf(await endpoint.refusal(reply));
  reply.leave();
  const said = reply.headers['docker-content-digest'];
  if (typeof said === 'string' && said.startsWith('sha256:') && said !== digestOf(bytes)) throw fail('invalid', `The registry took ${digestOf(bytes)} for ${said.slice(0, 80)}`);
  return reply;
}
