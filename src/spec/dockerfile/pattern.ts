// The patterns of `${x#pattern}`, `${x%pattern}` and `${x/pattern/text}`: `*` is any text, `?` one character, `\` takes the meaning from
// both. There are no brackets. Source: POSIX, Shell Command Language 2.14, and the Dockerfile reference, "Environment replacement".
// Regular expressions would go back and forth over `*a*a*a*`; here the pieces between the stars are looked for one after the other.

/** The text between two stars; undefined in it stands for `?`. */
type Piece = readonly (string | undefined)[];

/** A pattern as the pieces around its stars: always one more than there are stars. */
export type Pattern = readonly Piece[];

/** What the pattern cannot be, in the words of BuildKit. */
export class PatternError extends Error {}

export function parsePattern(source: string): Pattern {
  const pieces: (string | undefined)[][] = [[]];
  const characters = Array.from(source);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === '*') pieces.push([]);
    else if (character === '?') pieces.at(-1)!.push(undefined);
    else if (character !== '\\') pieces.at(-1)!.push(character);
    else if (characters[i + 1] !== '}' && characters[i + 1] !== '/') pieces.at(-1)!.push(escaped(characters[++i]));
  }
  return pieces;
}

function escaped(character: string | undefined): string {
  if (character === '*' || character === '?' || character === '\\') return character;
  throw new PatternError(`invalid escape '\\${character ?? ''}'`);
}

/** `value` without the shortest beginning that fits, or the longest. */
export function withoutPrefix(value: string, pattern: Pattern, longest: boolean): string {
  const characters = Array.from(value);
  const end = fitsAt(pattern[0]!, characters, 0) ? endOfMatch(pattern, characters, 0, longest) : undefined;
  return end === undefined ? value : characters.slice(end).join('');
}

/** `value` without the shortest end that fits, or the longest: the same read backwards. */
export function withoutSuffix(value: string, pattern: Pattern, longest: boolean): string {
  const backwards = pattern.map((piece) => piece.toReversed()).reverse();
  return Array.from(withoutPrefix(Array.from(value).reverse().join(''), backwards, longest)).reverse().join('');
}

/** `value` with the first longest text that fits exchanged, or with `all`, every one. @throws PatternError when that is longer than `lengthMax` */
export function exchange(value: string, pattern: Pattern, replacement: string, { all, lengthMax }: { readonly all: boolean; readonly lengthMax: number }): string {
  const characters = Array.from(value);
  let [result, at] = ['', 0];
  for (;;) {
    const start = find(pattern[0]!, characters, at);
    const end = start === undefined ? undefined : endOfMatch(pattern, characters, start, true);
    if (start === undefined || end === undefined) break;
    result += characters.slice(at, start).join('') + replacement;
    if (result.length > lengthMax) throw new PatternError(`the result is longer than ${lengthMax} characters`);
    // What is empty fits before every character: one goes over as it is.
    if (end === start) result += characters[start] ?? '';
    at = end === start ? end + 1 : end;
    if (!all || at > characters.length || (end > start && at === characters.length)) break;
  }
  return result + characters.slice(at).join('');
}

/** Where a match ends that begins with its first piece at `start`. */
function endOfMatch([first, ...rest]: Pattern, characters: readonly string[], start: number, longest: boolean): number | undefined {
  let at = start + first!.length;
  for (const [i, piece] of rest.entries()) {
    const found = longest && i === rest.length - 1 ? findLast(piece, characters, at) : find(piece, characters, at);
    if (found === undefined) return undefined;
    at = found + piece.length;
  }
  return at;
}

function find(piece: Piece, characters: readonly string[], from: number): number | undefined {
  for (let at = from; at + piece.length <= characters.length; at++) if (fitsAt(piece, characters, at)) return at;
  return undefined;
}

function findLast(piece: Piece, characters: readonly string[], from: number): number | undefined {
  for (let at = characters.length - piece.length; at >= from; at--) if (fitsAt(piece, characters, at)) return at;
  return undefined;
}

function fitsAt(piece: Piece, characters: readonly string[], at: number): boolean {
  return at + piece.length <= characters.length && piece.every((wanted, i) => wanted === undefined || wanted === characters[at + i]);
}
