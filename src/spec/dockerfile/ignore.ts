// .dockerignore: which paths of a context stay behind. A line is a pattern, `!` brings paths back, the last line that fits decides, and what is
// below an ignored directory is ignored with it. Source: Docker's documentation of .dockerignore; Go's filepath.Match.
import { posix } from 'node:path';
import { type LineRange, locate, wrong } from './source.ts';

export interface IgnoreRule {
  /** As it was read: cleaned, without `!`. */
  readonly pattern: string;
  /** Whether it brings paths back. */
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
}

export interface IgnoreFile {
  readonly rules: readonly IgnoreRule[];
  /** Whether any of them brings paths back: then what is below an ignored directory must be looked at. */
  readonly hasExceptions: boolean;
  /** Whether `path` (relative to the context, with `/`) stays behind. */
  ignores(path: string): boolean;
}

/** @throws a DockerfileError with the line of a pattern that is none */
export function parseIgnoreFile(text: string): IgnoreFile {
  const rules = text.replace(/^\uFEFF/, '').split('\n').flatMap((line, i) => located(line, { start: i + 1, end: i + 1 }));
  return {
    rules,
    hasExceptions: rules.some(({ isException }) => isException),
    ignores: (path) => {
      const above = ancestors(posix.normalize(path));
      return rules.reduce((ignored, { isException, matches }) => ignored === !isException ? ignored : above.some(matches) ? !isException : ignored, false);
    },
  };
}

/** One pattern by itself: fits a path, and all that is below it. @throws a DockerfileError for what is no pattern */
export function pathMatcher(pattern: string): (path: string) => boolean {
  if (pattern === '.') return () => true;
  const matches = matcherOf(pattern);
  return (path) => ancestors(path).some(matches);
}

function located(line: string, lines: LineRange): readonly IgnoreRule[] {
  try {
    return ruleOf(line);
  } catch (error) {
    throw locate(error, lines);
  }
}

function ruleOf(line: string): readonly IgnoreRule[] {
  if (line.startsWith('#')) return [];
  const text = line.trim();
  if (text === '') return [];
  const isException = text.startsWith('!');
  const written = isException ? text.slice(1).trim() : text;
  if (written === '') throw wrong(`illegal exclusion pattern: ${JSON.stringify(text)}`);
  const clean = posix.normalize(written).replace(/(?<=.)\/$/, '');
  const pattern = clean.length > 1 ? clean.replace(/^\//, '') : clean;
  return [{ pattern, isException, matches: matcherOf(pattern) }];
}

/** The path and all directories that it is in: `a/b/c`, `a/b`, `a`. */
function ancestors(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('/'));
}

/** One certain character or one of several; any number within a name (`*`); any number at all (`**`); any number of whole directories (`**` and a slash). */
type Token = 'name' | 'rest' | 'directories' | ((character: string) => boolean);

function matcherOf(pattern: string): (path: string) => boolean {
  const tokens = tokensOf(pattern);
  if (!/[*?[\\]/.test(pattern)) return (path) => path === pattern;
  const start = /^[^*?[\\]*/.exec(pattern)![0];
  return (path) => path.startsWith(start) && fits(tokens, path);
}

/** All places in the pattern at once, so that no pattern makes it go back and forth. */
function fits(tokens: readonly Token[], path: string): boolean {
  let places = withSkips(new Set([0]), tokens);
  for (const character of path) {
    const next = new Set<number>();
    for (const place of places) {
      const token = tokens[place];
      if (typeof token === 'function') {
        if (token(character)) next.add(place + 1);
      } else if (token === 'rest' || (token === 'name' && character !== '/')) next.add(place);
      else if (token === 'directories') {
        next.add(-place - 1);
        if (character === '/') next.add(place + 1);
      } else if (place < 0) {
        next.add(place);
        if (character === '/') next.add(-place);
      }
    }
    if (next.size === 0) return false;
    places = withSkips(next, tokens);
  }
  return places.has(tokens.length);
}

/** What may stand for nothing is gone over. A negative place is inside the directories of the token at `-place - 1`: only a slash leads out. */
function withSkips(places: Set<number>, tokens: readonly Token[]): Set<number> {
  for (const place of places) if (place >= 0 && typeof tokens[place] === 'string') places.add(place + 1);
  return places;
}

function tokensOf(pattern: string): readonly Token[] {
  const characters = Array.from(pattern);
  const tokens: Token[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === '*') {
      const { token, length } = starsAt(characters, i);
      tokens.push(token);
      i += length - 1;
    } else if (character === '?') tokens.push((one) => one !== '/');
    else if (character === '[') {
      const { token, end } = classOf(characters, i, pattern);
      tokens.push(token);
      i = end;
    } else {
      const literal = character === '\\' ? characters[++i] : character;
      if (literal === undefined) throw malformed(pattern);
      tokens.push((one) => one === literal);
    }
  }
  return tokens;
}

function starsAt(characters: readonly string[], at: number): { readonly token: Token; readonly length: number } {
  if (characters[at + 1] !== '*') return { token: 'name', length: 1 };
  const length = characters[at + 2] === '/' ? 3 : 2;
  return { token: at + length >= characters.length ? 'rest' : 'directories', length };
}

/** `[a-z]`, `[^a]`. */
function classOf(characters: readonly string[], start: number, pattern: string): { readonly token: Token; readonly end: number } {
  let at = start + 1;
  const isNegated = characters[at] === '^';
  if (isNegated) at++;
  const ranges: (readonly [low: string, high: string])[] = [];
  const one = (): string => {
    const character = characters[at] === '\\' ? characters[++at] : characters[at];
    if (character === undefined || (character === '-' && characters[at - 1] !== '\\')) throw malformed(pattern);
    at++;
    return character;
  };
  while (characters[at] !== ']' || ranges.length === 0) {
    const low = one();
    const hasHigh = characters[at] === '-';
    if (hasHigh) at++;
    ranges.push([low, hasHigh ? one() : low]);
  }
  return { token: (character) => character !== '/' && ranges.some(([low, high]) => low <= character && character <= high) !== isNegated, end: at };
}

function malformed(pattern: string): Error {
  return wrong(`syntax error in pattern: ${JSON.stringify(pattern)}`, 'Escape a bracket that is meant as one with a backslash');
}
