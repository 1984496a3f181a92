// Registries: where images come from and go to, over the OCI distribution protocol 1.1 and Docker's dialect of it.
//
//   Registries (open.ts)     what all share: mirrors, insecure names, connections, time-outs
//   └─ Repository            one pull or push: its tokens, its mirror
//      └─ Endpoint           one place that answers (a mirror, the registry itself): retries, authorization, redirects
//         └─ wire            one HTTP exchange
//
// A registry is a stranger. Nothing that it says is believed before it is checked: sizes, digests, where credentials are to be sent, where to go next.
import type { Digest } from '../base/index.ts';
import type { Descriptor } from '../spec/oci/image.ts';
import type { Reference } from '../spec/reference.ts';

/** Who asks. A secret never appears in messages, logs or errors. */
export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Given by a registry at login, in the place of the password. */
  readonly identityToken?: string | undefined;
  /** Sent as it is, as a bearer token. */
  readonly registryToken?: string | undefined;
  /** The registry that they are for, where the user said so. */
  readonly server?: string | undefined;
}

export interface Ask {
  readonly credentials?: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A manifest or an index as the registry gave it: verified against its digest (asked by digest) or hashed (asked by tag). */
export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A repository of one registry, reached through its mirrors first where there are any. One object a pull or a push: tokens, connections and the chosen mirror belong to it. */
export interface Repository extends AsyncDisposable {
  /** By tag or digest. @throws `not_found` "manifest for x:y not found: …", `unauthorized`, … in Docker's words */
  document(tagOrDigest: string): Promise<Document>;
  /** What a tag means, without fetching it; undefined when there is none. */
  exists(tagOrDigest: string): Promise<Descriptor | undefined>;
  /** The blob from `offset` on; resumed where it breaks; ends with an error when it is not `descriptor.size` bytes. The reader verifies the digest. */
  blob(descriptor: Descriptor, offset?: number): AsyncIterable<Uint8Array>;
  tags(): AsyncIterable<string>;
  referrers(digest: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  hasBlob(digest: Digest): Promise<boolean>;
  /** Mounts from `from` (path of another repository of the same registry) where that works, else uploads; `bytes` is called once a try, with the offset to go on from. Told of what went: `sent(bytesSoFar)`. */
  putBlob(descriptor: Descriptor, bytes: (offset: number) => AsyncIterable<Uint8Array>, options?: PutBlobOptions): Promise<'there' | 'mounted' | 'uploaded'>;
  putDocument(tagOrDigest: string, bytes: Uint8Array, mediaType: string): Promise<Digest>;
}

export interface PutBlobOptions {
  readonly from?: string | undefined;
  readonly sent?: ((bytes: number) => void) | undefined;
}

export interface Found {
  readonly name: string;
  readonly description: string;
  readonly starCount: number;
  readonly isOfficial: boolean;
}

export interface Registries extends AsyncDisposable {
  /** `access`: what is asked for in the one token; `push` for both ways. */
  repository(reference: Reference, ask: Ask, access?: 'pull' | 'push'): Repository;
  /** Whether the registry takes these credentials. @throws `unauthorized` when it does not */
  login(server: string, credentials: Credentials, signal?: AbortSignal): Promise<{ readonly identityToken: string | undefined }>;
  search(term: string, options: Ask & { readonly limit: number }): Promise<readonly Found[]>;
}
