// Which images `GET /images/json` shows, and with which of their names.
import { fail, unixTimeOf } from '../base/index.ts';
import type { Engine, Image } from '../engine/index.ts';
import { hasLabels } from './container-filters.ts';
import type { Query } from './query.ts';

const known = ['before', 'dangling', 'label', 'reference', 'since', 'until'];

/** Newest first. A `reference` filter leaves of each image the names that match. @throws `invalid` for filters that are not there or make no sense. */
export function selectImages(engine: Engine, query: Query): readonly Image[] {
  const filters = query.filters(known);
  const valuesOf = (name: string) => filters.get(name) ?? [];
  const dangling = valuesOf('dangling').map((text) => truthOf('dangling', text));
  const [before, since] = [valuesOf('before'), valuesOf('since')].map((names) => names.map((name) => engine.images.get(name)));
  const patterns = valuesOf('reference').map(referencePattern);
  const until = untilOf(valuesOf('until'), new Date());
  return engine.images.list()
    .filter((image) => until === undefined || image.createdAt.getTime() <= until)
    .filter((image) => dangling.every((isWanted) => (image.repoTags.length === 0) === isWanted))
    .filter((image) => hasLabels(image.config.config?.Labels ?? {}, valuesOf('label')))
    .filter((image) => before!.every((other) => image.createdAt < other.createdAt) && since!.every((other) => image.createdAt > other.createdAt))
    .flatMap((image) => patterns.length === 0 ? [image] : withMatchingNames(image, patterns));
}

/** @throws `invalid` in Docker's words */
export function truthOf(filter: string, text: string): boolean {
  if (['1', 't', 'true', 'True', 'TRUE'].includes(text)) return true;
  if (['0', 'f', 'false', 'False', 'FALSE'].includes(text)) return false;
  throw fail('invalid', `invalid filter '${filter}=[${text.slice(0, 100)}]'`);
}

/** The point in time before which something was made, in milliseconds since 1970. @throws `invalid` */
export function untilOf(values: readonly string[], now: Date): number | undefined {
  const [text, ...more] = values;
  if (text === undefined) return undefined;
  if (more.length > 0) throw fail('invalid', 'more than one until filter specified');
  const seconds = unixTimeOf(text, now);
  if (seconds === undefined) throw fail('invalid', `failed to parse value as time or duration: ${JSON.stringify(text.slice(0, 100))}`, { hint: 'Write it like 2026-01-02T15:04:05Z, 1767366245 or 24h' });
  return Number(seconds) * 1000;
}

function withMatchingNames(image: Image, patterns: readonly RegExp[]): readonly Image[] {
  const matches = (name: string) => patterns.some((pattern) => pattern.test(name) || pattern.test(name.replace(/(@[^/]*|:[^:/]*)$/, '')));
  const matching = { ...image, repoTags: image.repoTags.filter(matches), repoDigests: image.repoDigests.filter(matches) };
  return matching.repoTags.length + matching.repoDigests.length > 0 ? [matching] : [];
}

/** A shell pattern (`*`, `?`, `[a-z]`; none crosses a slash) over a name with or without its tag. */
function referencePattern(glob: string): RegExp {
  const source = glob.replace(/\[[^\]/]+\]|[^]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 2) return `[${part.startsWith('[^') ? '^' : ''}${part.slice(part.startsWith('[^') ? 2 : 1, -1).replace(/[\\\]^[]/g, '\\$&')}]`;
    return RegExp.escape(part);
  });
  return new RegExp(`^${source}$`);
}
