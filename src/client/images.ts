// Images: the typed calls of /images. A name goes into the path with its slashes, as Docker's clients send it.
import type { HistoryItem } from '../spec/docker/archive-view.ts';
import type { ImageDeleteItem, ImageSummary } from '../spec/docker/image.ts';
import type { Platform } from '../spec/oci/image.ts';
import { filtersText, type Filters } from './containers.ts';
import { textOf, type Docker } from './docker.ts';
import type { Answer } from './http.ts';
import { readMessages, type OnMessage } from './messages.ts';

export const imagePath = (image: string, rest = ''): string => `/images/${image.split('/').map(encodeURIComponent).join('/')}${rest}`;

export function listImages(docker: Docker, options: { readonly all: boolean; readonly digests?: boolean; readonly manifests?: boolean; readonly filters?: Filters }): Promise<readonly ImageSummary[]> {
  return docker.json('GET', '/images/json', { query: { all: options.all, digests: options.digests, manifests: options.manifests, filters: filtersText(options.filters) } });
}

/** Inspect as the daemon wrote it, for showing it unchanged. */
export async function inspectImageText(docker: Docker, image: string, options: { readonly platform?: Platform | undefined } = {}): Promise<string> {
  return textOf(await docker.call('GET', imagePath(image, '/json'), { query: { platform: jsonOf(options.platform) } }));
}

export function removeImage(docker: Docker, image: string, options: { readonly force: boolean; readonly noPrune: boolean; readonly platforms?: readonly Platform[] }): Promise<readonly ImageDeleteItem[]> {
  return docker.json('DELETE', `${imagePath(image)}${repeated('platforms', options.platforms)}`, { query: { force: options.force, noprune: options.noPrune } });
}

export interface PrunedImages {
  readonly ImagesDeleted: readonly ImageDeleteItem[] | null;
  readonly SpaceReclaimed: number;
}

export function pruneImages(docker: Docker, filters: Filters): Promise<PrunedImages> {
  return docker.json('POST', '/images/prune', { query: { filters: filtersText(filters) } });
}

export async function tagImage(docker: Docker, image: string, repo: string, tag: string): Promise<void> {
  await textOf(await docker.call('POST', imagePath(image, '/tag'), { query: { repo, tag } }));
}

/** Sends an archive; the daemon's messages come to `onMessage` as they arrive. */
export async function loadImages(docker: Docker, archive: AsyncIterable<Uint8Array>, options: { readonly quiet: boolean; readonly platforms?: readonly Platform[] }, onMessage: OnMessage): Promise<void> {
  const upload = { bytes: archive, contentType: 'application/x-tar' };
  const answer = await docker.call('POST', `/images/load${repeated('platform', options.platforms)}`, { upload, query: { quiet: options.quiet } });
  await readMessages(answer, onMessage);
}

/** One archive of all of them; read it to its end. */
export function saveImages(docker: Docker, images: readonly string[], platforms: readonly Platform[] = []): Promise<Answer> {
  return docker.call('GET', `/images/get${repeated('platform', platforms)}${platforms.length === 0 ? '?' : '&'}${images.map((image) => `names=${encodeURIComponent(image)}`).join('&')}`);
}

export function imageHistory(docker: Docker, image: string, platform?: Platform): Promise<readonly HistoryItem[]> {
  return docker.json('GET', imagePath(image, '/history'), { query: { platform: jsonOf(platform) } });
}

export interface ImportOptions {
  readonly repo?: string | undefined;
  readonly tag?: string | undefined;
  readonly message?: string | undefined;
  readonly platform?: string | undefined;
  readonly changes: readonly string[];
}

/** Makes an image of a root file system's tar. `source` is a URL for the daemon, or `-` with `archive`. */
export async function importImage(docker: Docker, source: string, archive: AsyncIterable<Uint8Array> | undefined, options: ImportOptions, onMessage: OnMessage): Promise<void> {
  const { changes, ...query } = options;
  const upload = archive === undefined ? {} : { upload: { bytes: archive, contentType: 'text/plain' } };
  // `changes` may repeat, which a record cannot say: those parts are written here.
  const repeated = changes.map((change) => `changes=${encodeURIComponent(change)}`).join('&');
  const answer = await docker.call('POST', `/images/create${repeated === '' ? '' : `?${repeated}`}`, { ...upload, query: { fromSrc: source, ...query } });
  await readMessages(answer, onMessage);
}

/** X-Registry-Auth, with the credentials for the image's registry. */
type AuthHeaders = Readonly<Record<string, string>>;

/** Asks the daemon to pull `image`; without `tag` (which may be a digest), all tags. */
export async function pullImage(docker: Docker, image: string, tag: string, options: { readonly platform?: string | undefined; readonly headers: AuthHeaders }, onMessage: OnMessage): Promise<void> {
  await readMessages(await docker.call('POST', '/images/create', { query: { fromImage: image, tag, platform: options.platform }, headers: options.headers }), onMessage);
}

export interface PushOptions {
  /** All tags when it is left away. */
  readonly tag?: string | undefined;
  readonly platform?: Platform | undefined;
  /** Estiva's own: of layers that were made here. */
  readonly compression?: string | undefined;
  readonly headers: AuthHeaders;
}

export async function pushImage(docker: Docker, name: string, { tag, platform, compression, headers }: PushOptions, onMessage: OnMessage): Promise<void> {
  const query = { tag, platform: jsonOf(platform), compression };
  await readMessages(await docker.call('POST', imagePath(name, '/push'), { query, headers }), onMessage);
}

function jsonOf(platform: Platform | undefined): string | undefined {
  return platform === undefined ? undefined : JSON.stringify(platform);
}

/** What may repeat, which a record cannot say. */
function repeated(name: string, platforms: readonly Platform[] = []): string {
  return platforms.length === 0 ? '' : `?${platforms.map((platform) => `${name}=${encodeURIComponent(JSON.stringify(platform))}`).join('&')}`;
}
