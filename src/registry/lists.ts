// Lists in pages: tags, and what refers to a manifest. The next page is where the Link header says, at the same place.
import { decode, fail, hexOf, type Digest } from '../base/index.ts';
import type { Descriptor, Index } from '../spec/oci/image.ts';
import { documentBytesMax, parseManifest } from '../spec/oci/manifest.ts';
import { acceptedTypes } from './document.ts';
import type { Endpoint } from './endpoint.ts';
import { failureOf } from './failure.ts';
import { readWhole, type Reply } from './wire.ts';

const pagesMax = 10_000;
const pageItems = 1000;

const tagList = decode.object<{ readonly tags: readonly string[] }>({ tags: decode.list(decode.text) });

export async function* listTags(endpoint: Endpoint, scopes: readonly string[]): AsyncGenerator<string, void, undefined> {
  for await (const { reply, bytes } of pages(endpoint, `v2/${endpoint.site.path}/tags/list?n=${pageItems}`, scopes)) {
    if (reply.status !== 200) throw failureOf(await endpoint.refusal(reply));
    yield* decode.decodeJson((await bytes()).toString('utf8'), tagList).tags;
  }
}

/** The manifests whose subject is `digest`. A registry that does not keep such a list has it as an index with a tag of a certain name, or not at all. */
export async function listReferrers(endpoint: Endpoint, digest: Digest, artifactType: string | undefined, scopes: readonly string[]): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  for await (const { reply, bytes } of pages(endpoint, `v2/${endpoint.site.path}/referrers/${digest}${query}`, scopes)) {
    if (reply.status === 404) { reply.leave(); found.push(...(await referrersTag(endpoint, digest, scopes)).manifests); break; }
    if (reply.status !== 200) throw failureOf(await endpoint.refusal(reply));
    found.push(...indexIn((await bytes()).toString('utf8')).manifests);
  }
  return artifactType === undefined ? found : found.filter((one) => one.artifactType === artifactType);
}

/** The index with the tag; empty when there is none. */
export async function referrersTag(endpoint: Endpoint, digest: Digest, scopes: readonly string[]): Promise<Index> {
  const reply = await endpoint.send({ method: 'GET', path: `v2/${endpoint.site.path}/manifests/${tagFor(digest)}`, headers: { Accept: acceptedTypes }, scopes });
  if (reply.status === 404) { reply.leave(); return { schemaVersion: 2, manifests: [] }; }
  if (reply.status !== 200) throw failureOf(await endpoint.refusal(reply));
  return indexIn((await readWhole(reply, documentBytesMax)).toString('utf8'));
}

/** Source: OCI distribution 1.1, "Referrers Tag Schema". */
export function tagFor(digest: Digest): string {
  return `sha256-${hexOf(digest)}`;
}

function indexIn(text: string): Index {
  const parsed = parseManifest(text);
  if (!('index' in parsed)) throw fail('invalid', "The registry's list of referrers is no index");
  return parsed.index;
}

interface Page {
  readonly reply: Reply;
  readonly bytes: () => Promise<Buffer>;
}

async function* pages(endpoint: Endpoint, first: string, scopes: readonly string[]): AsyncGenerator<Page, void, undefined> {
  let next: string | URL | undefined = first;
  for (let count = 0; next !== undefined; count += 1) {
    if (count === pagesMax) throw fail('invalid', `The list of the registry ${endpoint.site.url.host} does not end: ${pagesMax} pages`);
    const reply = await endpoint.send({ method: 'GET', path: next, scopes });
    yield { reply, bytes: () => readWhole(reply, documentBytesMax) };
    const following = reply.status === 200 ? linkOf(reply) : undefined;
    if (following !== undefined && following.href === reply.url.href) throw fail('invalid', `The list of the registry ${endpoint.site.url.host} does not end: its next page is the same one`);
    next = following;
  }
}

/** `Link: </v2/x/tags/list?n=1&last=a>; rel="next"`. Source: RFC 8288. */
function linkOf(reply: Reply): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(String(reply.headers['link'] ?? ''))?.[1];
  return target !== undefined && URL.canParse(target, reply.url) ? new URL(target, reply.url) : undefined;
}
