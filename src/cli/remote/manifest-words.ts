// What the manifest commands share: names, the lists of this user, and the index that a list becomes.
import type { Registries } from '../../registry/index.ts';
import { mediaTypes } from '../../spec/oci/image.ts';
import { parseReference, withDefaultTag, type Reference } from '../../spec/reference.ts';
import { flag } from '../flags.ts';
import type { Session } from '../session.ts';
import { openManifestLists, type ListEntry, type ManifestLists } from './manifest-lists.ts';
import { registriesOf } from './registries.ts';

export const insecure = flag.on('', 'The registry has no TLS, or a certificate that is not verified');
export const named = (text: string): Reference => withDefaultTag(parseReference(text));
export const listsOf = ({ config }: Session): ManifestLists => openManifestLists(config.dir);

export function openFor(session: Session, isInsecure: boolean, references: readonly Reference[]): Registries {
  return registriesOf(session, isInsecure ? references.map(({ domain }) => domain) : []);
}

/** Docker's kind of list when all in it is Docker's. */
export function indexOf(entries: readonly ListEntry[]): { readonly bytes: Buffer; readonly mediaType: string } {
  const mediaType = entries.every((entry) => entry.mediaType === mediaTypes.dockerManifest) ? mediaTypes.dockerIndex : mediaTypes.ociIndex;
  const manifests = entries.map(({ mediaType, size, digest, platform }) => ({ mediaType, size, digest, platform }));
  return { bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, 3)), mediaType };
}

/** What a registry is asked for. */
export function wordOf({ digest, tag = 'latest' }: Reference): string {
  return digest ?? tag;
}
