// Events: what happens in the engine, as it happens.
import type { EventMessage } from '../spec/docker/system.ts';
import { filtersText, type Filters } from './containers.ts';
import { readJsonLines, type Docker } from './docker.ts';

export interface EventsOptions {
  /** Seconds since 1970, with a fraction or without. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filters?: Filters;
  readonly signal?: AbortSignal;
}

/** Resolves when the daemon ends the stream: at `until`, or never. */
export async function watchEvents(docker: Docker, { since, until, filters, signal }: EventsOptions, onEvent: (event: EventMessage) => void): Promise<void> {
  const answer = await docker.call('GET', '/events', { query: { since, until, filters: filtersText(filters) }, ...(signal === undefined ? {} : { signal }) });
  await readJsonLines(answer, (value) => { onEvent(value as EventMessage); }, parseEvent);
}

function parseEvent(line: string): unknown {
  return JSON.parse(line, (key, value: unknown, context?: { readonly source?: string }) => (key === 'timeNano' && typeof value === 'number' ? BigInt(context?.source ?? value) : value));
}
