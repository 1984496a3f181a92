// Builds, and looks at Dockerfiles: the typed calls.
import { fail } from '../base/index.ts';
import type { BuildCall, BuildCheckRequest, CheckResult, OutlineResult, TargetsResult } from '../spec/estiva/build-check.ts';
import type { ContextAnswer } from '../spec/estiva/build-context.ts';
import type { ProgressMessage } from '../spec/docker/image.ts';
import { contextOfDirectory, deliverContext, packContext, type ContextDoor, type ContextSource, type WalkedEntry } from './context/index.ts';
import { Channels, type Channel, type SessionAsk } from '../spec/estiva/build-session.ts';
import { filtersText, type Filters } from './containers.ts';
import { demultiplexer } from './demultiplex.ts';
import { isDaemonError, jsonLines, readJsonLines, type Docker, type Query } from './docker.ts';
import type { Answer } from './http.ts';

interface Results {
  readonly check: CheckResult;
  readonly outline: OutlineResult;
  readonly targets: TargetsResult;
}

export function checkBuild<C extends BuildCall>(docker: Docker, call: C, request: Omit<BuildCheckRequest, 'call'>): Promise<Results[C]> {
  return docker.json('POST', '/estiva/build/check', { body: { call, ...request } });
}

export interface BuildImageOptions {
  readonly tags: readonly string[];
  readonly extraHosts: readonly string[];
  readonly query: Query;
  readonly signal?: AbortSignal | undefined;
  /** X-Registry-Config, for what is pulled and pushed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Takes the bytes of an output that comes here. */
  readonly onBytes?: ((bytes: Buffer) => void | Promise<void>) | undefined;
}

/** Sends a context; all messages of the stream come to `onMessage`, failures too. To an engine that keeps contexts goes only what is not there yet. */
export async function buildImage(docker: Docker, context: ContextSource, { tags, extraHosts, query, signal, headers = {}, onBytes }: BuildImageOptions, onMessage: (message: ProgressMessage) => void): Promise<void> {
  const repeated = [...tags.map((tag) => `t=${encodeURIComponent(tag)}`), ...extraHosts.map((host) => `extrahosts=${encodeURIComponent(host)}`)].join('&');
  const entries = 'bytes' in context ? undefined : [...context.entries];
  const id = 'bytes' in context ? undefined : await deliveredTo(docker, context.key, entries!, signal);
  const upload = id === undefined ? { upload: { bytes: 'bytes' in context ? context.bytes : packContext(entries!), contentType: 'application/x-tar' } } : {};
  const options = signal === undefined ? {} : { signal };
  const answer = await docker.call('POST', `/build${repeated === '' ? '' : `?${repeated}`}`, { ...upload, ...options, headers, query: { version: '1', rm: true, dockerfile: context.dockerfile, estivacontext: id, ...query } });
  const take = (value: unknown): void => onMessage(value as ProgressMessage);
  if (onBytes === undefined || answer.headers.get('content-type') !== 'application/vnd.docker.multiplexed-stream') await readJsonLines(answer, take);
  else await readFramed(answer, take, onBytes);
}

/** Messages in the frames of stderr, bytes in those of stdout. */
async function readFramed(answer: Answer, onMessage: (message: unknown) => void, onBytes: (bytes: Buffer) => void | Promise<void>): Promise<void> {
  const takeText = jsonLines(onMessage);
  let waiting: Promise<void>[] = [];
  const feed = demultiplexer((stream, bytes) => {
    if (stream === 'stderr') return takeText(bytes);
    const taken = onBytes(bytes);
    if (taken !== undefined) waiting.push(taken);
    return undefined;
  });
  await answer.read((chunk) => {
    waiting = [];
    feed(chunk);
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
  });
}

/** What a program may ask of a build. */
export interface BuildWishes {
  /** A directory of this machine, or a tar of one, plain or compressed. `.dockerignore` says what of it stays behind. */
  readonly context: string | AsyncIterable<Uint8Array>;
  /** Path of the Dockerfile in the context: `Dockerfile` unless given. */
  readonly dockerfile?: string;
  /** The stage that is built, by name or number: the last one unless given. */
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `name[:tag]`: names of the new image. */
  readonly tags?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** `linux/arm64`: this machine's unless given. */
  readonly platform?: string;
  /** Does every step anew. */
  readonly noCache?: boolean;
  /** Ends the build; what was done by then stays in the cache. */
  readonly signal?: AbortSignal;
}

export interface BuildOptions extends BuildWishes {
  /** Each message of the daemon as it comes: `stream` has text for people. */
  readonly onMessage?: (message: ProgressMessage) => void;
}

/** Builds an image. @returns its id. @throws `invalid` with the daemon's sentence for a step that failed, DaemonError before any step */
export async function build(docker: Docker, options: BuildOptions): Promise<string> {
  const { context, dockerfile = 'Dockerfile', target, buildArgs = {}, tags = [], labels = {}, platform, noCache, onMessage, signal } = options;
  const source = typeof context === 'string' ? contextOfDirectory(context, dockerfile) : { dockerfile, bytes: context };
  const query = { buildargs: JSON.stringify(buildArgs), labels: JSON.stringify(labels), target, platform, nocache: noCache };
  let id: string | undefined;
  let failure: ProgressMessage | undefined;
  await buildImage(docker, source, { tags, extraHosts: [], query, signal }, (message) => {
    if (message.error !== undefined) failure = message;
    if (typeof message.aux === 'object' && message.aux !== null && 'ID' in message.aux) id = String(message.aux.ID);
    onMessage?.(message);
  });
  if (failure !== undefined) throw fail('invalid', failure.errorDetail?.message ?? failure.error ?? '');
  if (id === undefined) throw new Error('The daemon did not say which image it has built');
  return id;
}

/** Undefined: the daemon is one that takes tars only. */
async function deliveredTo(docker: Docker, key: string, entries: readonly WalkedEntry[], signal: AbortSignal | undefined): Promise<string | undefined> {
  const options = signal === undefined ? {} : { signal };
  const door: ContextDoor = {
    offer: (offer) => docker.json<ContextAnswer>('POST', '/estiva/build/contexts', { body: offer, ...options }),
    send: async (id, parcel) => { await docker.json('PUT', `/estiva/build/contexts/${id}`, { upload: { bytes: parcel, contentType: 'application/octet-stream' }, ...options }); },
  };
  try {
    return await deliverContext(door, key, entries);
  } catch (error) {
    if (isDaemonError(error, 404)) return undefined;
    throw error;
  }
}

/** Opens a session for builds: `onAsk` answers what the daemon wants. */
export async function openBuildSession(docker: Docker, id: string, onAsk: (ask: SessionAsk, channel: Channel) => void): Promise<Channels> {
  const { socket, early } = await docker.hijack(`/estiva/build-sessions/${id}`);
  if (early.length > 0) socket.unshift(early);
  const channels = new Channels(socket, (ask, channel) => onAsk(ask as SessionAsk, channel));
  // The build itself says what is wrong when the connection is gone.
  channels.run().catch(() => undefined);
  return channels;
}

export interface PrunedBuildCache {
  readonly CachesDeleted: readonly string[] | null;
  readonly SpaceReclaimed: number;
}

export function pruneBuildCache(docker: Docker, { all, keepBytes, filters }: { readonly all: boolean; readonly keepBytes: number | undefined; readonly filters: Filters }): Promise<PrunedBuildCache> {
  return docker.json('POST', '/build/prune', { query: { all, 'keep-storage': keepBytes, filters: filtersText(filters) } });
}
