// What containers use, once or once a second.
import type { ContainerStats } from '../spec/docker/stats.ts';
import { readJsonLines, type Docker } from './docker.ts';

const path = (container: string): string => `/containers/${encodeURIComponent(container)}/stats`;

/** Two looks, a second apart. */
export function statsOf(docker: Docker, container: string): Promise<ContainerStats> {
  return docker.json('GET', path(container), { query: { stream: '0' } });
}

/** A look each second; resolves when the container is gone. @throws the signal's reason when it is left. */
export async function watchStats(docker: Docker, container: string, onStats: (stats: ContainerStats) => void, signal: AbortSignal): Promise<void> {
  const answer = await docker.call('GET', path(container), { query: { stream: true }, signal });
  await readJsonLines(answer, (value) => { onStats(value as ContainerStats); });
}
