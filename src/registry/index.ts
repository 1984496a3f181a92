// Registries: the OCI distribution protocol, from the client's side.
export type { Ask, Credentials, Document, Found, PutBlobOptions, Registries, Repository } from './registry.ts';
export { completeSettings, type Patience, type ProxySettings, type RegistrySettings } from './settings.ts';
export { registrySettings, type RegistryWords } from './words.ts';
export { copyImage, type BlobState, type CopyOptions } from './copy.ts';
export { describeImage } from './describe.ts';
export { openRegistries } from './open.ts';
export { download, type Download, type DownloadRequest } from './download.ts';
