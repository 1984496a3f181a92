// Opens what all pulls and pushes share.
import type { Reference } from '../spec/reference.ts';
import { Agents } from './agents.ts';
import { Endpoint } from './endpoint.ts';
import { listReferrers, listTags } from './lists.ts';
import { login } from './login.ts';
import { putDocument } from './publish.ts';
import { Lanes } from './parts.ts';
import { Reader } from './reader.ts';
import type { Ask, Credentials, Registries, Repository } from './registry.ts';
import { searchAt, splitTerm } from './search.ts';
import { registryHost, siteOf, sitesOf, type Site } from './site.ts';
import { completeSettings, type RegistrySettings } from './settings.ts';
import { hasBlob, putBlob } from './upload.ts';

export function openRegistries(given: Partial<RegistrySettings> = {}): Registries {
  const settings = completeSettings(given);
  const agents = new Agents(settings);
  const lanes = new Lanes(settings.parts);
  const endpointAt = (site: Site, ask: Ask, isLogin = false): Endpoint => new Endpoint({ site, credentials: ask.credentials, settings, agents, signal: ask.signal, isLogin });
  return {
    repository: (reference, ask, access = 'pull') => {
      const mine = { ...ask, credentials: credentialsFor(reference, ask.credentials, settings) };
      return openRepository(reference, sitesOf(reference, settings).map((site) => endpointAt(site, mine)), { settings, lanes, access });
    },
    login: (server, credentials, signal) => login(endpointAt(siteOf(registryHost(server), '', settings), { credentials, signal }, true)),
    search: (term, { limit, ...ask }) => {
      const { server, words } = splitTerm(term);
      // Docker Hub's search has a host of its own, which `siteOf` would take for the registry.
      const site = server === 'index.docker.io' ? { ...siteOf(server, '', settings), url: new URL(`https://${server}/`) } : siteOf(server, '', settings);
      return searchAt(endpointAt(site, ask), words, limit);
    },
    [Symbol.asyncDispose]: async () => { agents[Symbol.dispose](); },
  };
}

/** Where another registry stands in for Docker Hub, a client that does not know of it sends Docker Hub's credentials: they are not for that one. */
function credentialsFor({ domain }: Reference, credentials: Credentials | undefined, { defaultRegistry }: RegistrySettings): Credentials | undefined {
  if (domain !== 'docker.io' || defaultRegistry === undefined) return credentials;
  return credentials?.server !== undefined && registryHost(credentials.server) === registryHost(defaultRegistry) ? credentials : undefined;
}

function openRepository(reference: Reference, endpoints: readonly Endpoint[], { settings, lanes, access }: { readonly settings: RegistrySettings; readonly lanes: Lanes; readonly access: 'pull' | 'push' }): Repository {
  const { patience } = settings;
  const reader = new Reader(reference, endpoints, { patience, lanes, access: access === 'push' ? 'pull,push' : 'pull' });
  const { origin } = reader;
  const scopes = reader.scopes(origin);
  return {
    document: (tagOrDigest) => reader.document(tagOrDigest),
    exists: (tagOrDigest) => reader.exists(tagOrDigest),
    blob: (descriptor, offset) => reader.blob(descriptor, offset),
    tags: () => listTags(origin, scopes),
    referrers: (digest, artifactType) => listReferrers(origin, digest, artifactType, scopes),
    hasBlob: (digest) => hasBlob(origin, digest, scopes),
    putBlob: (descriptor, bytes, options = {}) => putBlob({ endpoint: origin, descriptor, bytes, scopes, retriesMax: patience.retriesMax, chunkBytes: settings.chunkBytes }, options),
    putDocument: (tagOrDigest, bytes, mediaType) => putDocument(origin, tagOrDigest, bytes, mediaType, scopes),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
