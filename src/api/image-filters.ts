// Which images `GET /images/json` shows, and with which of their names.
import { fail } from '../base/index.ts';
import type { Engine, Image } from '../engine/index.ts';
import { hasLabels } from './container-filters.ts';
import type { Query } from './query.ts';

const known = ['before', 'dangling', 'label', 'reference', 'since'];
const notYet = ['until'];

/** Newest first. A `reference` filter leaves of each image the names that match. @throws `invalid` for filters that are not there or make no sense. */
export function selectImages(engine: Engine, query: Query): readonly Image[] {
  const filters = query.filters(known, notYet);
  const valuesOf = (name: string) => filters.get(name) ?? [];
  const dangling = valuesOf('dangling').map(truthOf);
  const [before, since] = [valuesOf('before'), valuesOf('since')].map((names) => names.map((name) => engine.images.get(name)));
  const patterns = valuesOf('reference').map(referencePattern);
  return engine.images.list()
    .filter((image) => dangling.every((isWanted) => (image.repoTags.length === 0) === isWanted))
    .filter((image) => hasLabels(image.config.config?.Labels ?? {}, valuesOf('label')))
    .filter((image) => before!.every((other) => image.createdAt < other.createdAt) && since!.every((other) => image.createdAt > other.createdAt))
    .flatMap((image) => patterns.length === 0 ? [image] : withMatchingNames(image, patterns));
}

function truthOf(text: string): boolean {
  if (['1', 't', 'true', 'True', 'TRUE'].includes(text)) return true;
  if (['0', 'f', 'false', 'False', 'FALSE'].includes(text)) return false;
  throw fail('invalid', `invalid filter 'dangling=[${text.slice(0, 100)}]'`);
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
