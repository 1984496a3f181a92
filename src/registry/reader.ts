// One pull or push: the places that answer for a repository, in order. What a mirror does not have, or cannot give, is asked of the next; who gave the
// document is asked for its blobs first.
import { fail, isFail, parseDigest, type Digest } from '../base/index.ts';
import { familiarName, type Reference } from '../spec/reference.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import { acceptedTypes, describedBy, readDocument } from './document.ts';
import type { Endpoint } from './endpoint.ts';
import { failureOf, type Refusal } from './failure.ts';
import { readBlob, type Lanes } from './parts.ts';
import type { Document } from './registry.ts';
import type { Patience } from './settings.ts';
import type { Reply } from './wire.ts';

export class Reader {
  readonly #reference: Reference;
  readonly #patience: Patience;
  readonly #lanes: Lanes;
  readonly #access: 'pull' | 'pull,push';
  #endpoints: readonly Endpoint[];

  constructor(reference: Reference, endpoints: readonly Endpoint[], { patience, lanes, access }: { readonly patience: Patience; readonly lanes: Lanes; readonly access: 'pull' | 'pull,push' }) {
    this.#reference = reference;
    this.#endpoints = endpoints;
    this.#patience = patience;
    this.#lanes = lanes;
    this.#access = access;
  }

  document(tagOrDigest: string): Promise<Document> {
    const wanted = digestIn(tagOrDigest);
    return this.#first(async (endpoint) => {
      const reply = await this.get(endpoint, `manifests/${tagOrDigest}`, { Accept: acceptedTypes });
      if (reply.status !== 200) throw this.#documentFailure(await endpoint.refusal(reply), tagOrDigest);
      return readDocument(reply, wanted, this.#patience.documentMs);
    });
  }

  exists(tagOrDigest: string): Promise<Descriptor | undefined> {
    return this.#first(async (endpoint) => {
      const reply = await endpoint.send({ method: 'HEAD', path: this.path(endpoint, `manifests/${tagOrDigest}`), headers: { Accept: acceptedTypes }, scopes: this.scopes(endpoint) });
      if (reply.status === 404 && !endpoint.site.isMirror) { reply.leave(); return undefined; }
      if (reply.status !== 200) throw this.#documentFailure(await endpoint.refusal(reply), tagOrDigest);
      reply.leave();
      return describedBy(reply) ?? (await this.document(tagOrDigest)).descriptor;
    });
  }

  async *blob(descriptor: Descriptor, offset = 0): AsyncGenerator<Uint8Array, void, undefined> {
    let at = offset;
    for (const [index, endpoint] of this.#endpoints.entries()) {
      try {
        for await (const chunk of readBlob({ endpoint, descriptor, scopes: this.scopes(endpoint), retriesMax: this.#patience.retriesMax }, at, this.#lanes)) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        if (!isFail(error) || index === this.#endpoints.length - 1) throw error;
      }
    }
  }

  get(endpoint: Endpoint, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return endpoint.send({ method: 'GET', path: this.path(endpoint, path), headers, scopes: this.scopes(endpoint) });
  }

  path({ site }: Endpoint, rest: string): string {
    return `v2/${site.path}/${rest}`;
  }

  scopes({ site }: Endpoint): readonly string[] {
    return [`repository:${site.path}:${site.isMirror ? 'pull' : this.#access}`];
  }

  /** The registry itself. */
  get origin(): Endpoint {
    return this.#endpoints.find(({ site }) => !site.isMirror)!;
  }

  /** Asks the places in turn; the one that answers is asked first from then on. The last one's error is the error. */
  async #first<T>(ask: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    for (const endpoint of this.#endpoints) {
      try {
        const answer = await ask(endpoint);
        this.#endpoints = this.#endpoints.slice(this.#endpoints.indexOf(endpoint));
        return answer;
      } catch (error) {
        if (!isFail(error) || endpoint === this.#endpoints.at(-1)) throw error;
      }
    }
    throw new Error('A repository has at least one place');
  }

  #documentFailure(refusal: Refusal, tagOrDigest: string): Error {
    const name = familiarName(this.#reference);
    const isUnknown = refusal.status === 404 && (refusal.code === '' || refusal.code === 'MANIFEST_UNKNOWN' || refusal.code === 'NOT_FOUND');
    if (isUnknown) return fail('not_found', `manifest for ${name}${digestIn(tagOrDigest) === undefined ? ':' : '@'}${tagOrDigest} not found: ${refusal.code === 'MANIFEST_UNKNOWN' ? refusal.text : 'manifest unknown: manifest unknown'}`);
    if (refusal.status === 404 && refusal.code === 'NAME_UNKNOWN') return fail('not_found', `repository ${name} not found: ${refusal.text}`);
    if (refusal.code === 'DENIED') return fail('not_found', `pull access denied for ${name}, repository does not exist or may require 'docker login': ${refusal.text}`, { hint: 'Log in with estiva login, or look for a mistake in the name' });
    return failureOf(refusal);
  }
}

function digestIn(tagOrDigest: string): Digest | undefined {
  return tagOrDigest.includes(':') ? parseDigest(tagOrDigest) : undefined;
}
