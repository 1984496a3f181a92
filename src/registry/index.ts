// Registries: the OCI distribution protocol, from the client's side.
export type { Ask, Credentials, Document, Found, PutBlobOptions, Registries, Repository } from './registry.ts';
export type { Patience, ProxySettings, RegistrySettings } from './settings.ts';
export { describeImage } from './describe.ts';
export { openRegistries } from './open.ts';
