// Looking at Dockerfiles: the typed call of Estiva's own endpoint.
import type { BuildCall, BuildCheckRequest, CheckResult, OutlineResult, TargetsResult } from '../spec/estiva/build-check.ts';
import type { ProgressMessage } from '../spec/docker/image.ts';
import { filtersText, type Filters } from './containers.ts';
import { readJsonLines, type Docker, type Query } from './docker.ts';

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
}

/** Sends a context; all messages of the stream come to `onMessage`, failures too. */
export async function buildImage(docker: Docker, context: AsyncIterable<Uint8Array>, { tags, extraHosts, query }: BuildImageOptions, onMessage: (message: ProgressMessage) => void): Promise<void> {
  const repeated = [...tags.map((tag) => `t=${encodeURIComponent(tag)}`), ...extraHosts.map((host) => `extrahosts=${encodeURIComponent(host)}`)].join('&');
  const answer = await docker.call('POST', `/build${repeated === '' ? '' : `?${repeated}`}`, { upload: { bytes: context, contentType: 'application/x-tar' }, query: { version: '1', rm: true, ...query } });
  await readJsonLines(answer, (value) => onMessage(value as ProgressMessage));
}

export interface PrunedBuildCache {
  readonly CachesDeleted: readonly string[] | null;
  readonly SpaceReclaimed: number;
}

export function pruneBuildCache(docker: Docker, { all, keepBytes, filters }: { readonly all: boolean; readonly keepBytes: number | undefined; readonly filters: Filters }): Promise<PrunedBuildCache> {
  return docker.json('POST', '/build/prune', { query: { all, 'keep-storage': keepBytes, filters: filtersText(filters) } });
}
