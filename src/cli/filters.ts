// --filter key=value: the same key again means or, another key means and. The daemon knows the keys and judges them.
import type { Filters } from '../client/index.ts';
import { FlagError } from './flags.ts';

export function parseFilter(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 0) throw new FlagError('bad format of filter (expected name=value)');
  return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
}

export function filtersOf(pairs: readonly (readonly [key: string, value: string])[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const [key, value] of pairs) (filters[key] ??= []).push(value);
  return filters;
}
