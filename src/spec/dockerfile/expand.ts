// Variables in the words of an instruction: $x, ${x}, ${x:-default} and their kin, with quotes and escapes, as BuildKit reads them.
// A pure function of a text and a way to look names up; it tells also which names it met, for lint and outline.
// Source: Dockerfile reference, "Environment replacement"; POSIX, Shell Command Language 2.6.2.
import type { Escape } from './directives.ts';
import { exchange, parsePattern, PatternError, withoutPrefix, withoutSuffix, type Pattern } from './pattern.ts';
import { wrong } from './source.ts';

/** The value of a name; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
  readonly escape?: Escape;
  /** Quotes stay where they are. */
  readonly keepQuotes?: boolean;
  /** Escapes stay where they are. */
  readonly keepEscapes?: boolean;
  /** Quotes mean nothing. */
  readonly plainQuotes?: boolean;
  /** `$x` stays where x is not set. */
  readonly keepUnset?: boolean;
}

export interface Expansion {
  readonly text: string;
  /** The text's words: separated by white space that was not quoted, also by that which variables brought. */
  readonly words: readonly string[];
  readonly matched: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}

/** `${a:-${b:-…}}`: deeper than anybody writes, and shallow enough for the stack. */
const depthMax = 100;
/** What variables may add to one text: far more than the kernel takes as one string of an environment (MAX_ARG_STRLEN is 128 KiB), far less than what `A=$A$A` comes to. */
export const expandedLengthMax = 1 << 20;

/** @throws a DockerfileError for quotes and braces without end, unknown modifiers, and `${x:?message}` without x */
export function expand(source: string, lookup: Lookup, options: ExpandOptions = {}): Expansion {
  return new Expander(source, lookup, options).run();
}

/** A text as it grows: all of it, and its words. */
class Growing {
  text = '';
  readonly words: string[] = [];
  #word = '';
  #inWord = false;

  /** Text in which white space separates words. */
  addLoose(text: string): void {
    this.text += text;
    const parts = text.split(/\s+/);
    for (const [i, part] of parts.entries()) {
      if (i > 0) this.#close();
      if (part !== '') this.#extend(part);
    }
  }

  /** Quoted or escaped text. */
  addSolid(text: string, shown = text): void {
    this.text += shown;
    this.#extend(shown);
  }

  finish(): this {
    this.#close();
    return this;
  }

  #extend(text: string): void {
    this.#word += text;
    this.#inWord = true;
  }

  /** An empty word ("") is none. */
  #close(): void {
    if (this.#inWord && this.#word !== '') this.words.push(this.#word);
    [this.#word, this.#inWord] = ['', false];
  }
}

class Expander {
  readonly #source: string;
  readonly #lookup: Lookup;
  readonly #options: ExpandOptions;
  readonly #escape: string;
  readonly #matched = new Set<string>();
  readonly #unmatched = new Set<string>();
  #at = 0;
  #depth = 0;
  /** Characters that variables brought. */
  #brought = 0;
  #keepEscapes: boolean;

  constructor(source: string, lookup: Lookup, options: ExpandOptions) {
    this.#source = source;
    this.#lookup = lookup;
    this.#options = options;
    this.#escape = options.escape ?? '\\';
    this.#keepEscapes = options.keepEscapes ?? false;
  }

  run(): Expansion {
    const { text, words } = this.#until(undefined, this.#keepEscapes);
    return { text, words, matched: this.#matched, unmatched: this.#unmatched };
  }

  /** Reads to `end`, or to the end of the text. */
  #until(end: string | undefined, keepEscapes: boolean): Growing {
    if (++this.#depth > depthMax) throw this.#failure(`more than ${depthMax} variables in each other`);
    const outer = this.#keepEscapes;
    this.#keepEscapes = keepEscapes;
    const grown = new Growing();
    for (;;) {
      const character = this.#source[this.#at];
      if (character === undefined || character === end) break;
      this.#step(character, grown);
    }
    if (end !== undefined && this.#at >= this.#source.length) throw this.#failure(end === '}' ? "syntax error: missing '}'" : "syntax error: missing '/' in ${}");
    if (end !== undefined) this.#at++;
    this.#keepEscapes = outer;
    this.#depth--;
    return grown.finish();
  }

  #step(character: string, grown: Growing): void {
    const quotes = this.#options.plainQuotes !== true;
    if (character === '$') grown.addLoose(this.#variable());
    else if (quotes && character === "'") grown.addSolid(this.#singleQuoted());
    else if (quotes && character === '"') grown.addSolid(this.#doubleQuoted());
    else if (character === this.#escape) this.#escaped(grown);
    else grown.addLoose(this.#plain());
  }

  /** Everything up to the next character that may mean something. */
  #plain(): string {
    const start = this.#at++;
    while (this.#at < this.#source.length && !this.#isSpecial(this.#source[this.#at]!)) this.#at++;
    return this.#source.slice(start, this.#at);
  }

  #isSpecial(character: string): boolean {
    return '$\'"}/'.includes(character) || character === this.#escape;
  }

  /** An escape at the end of the text is dropped. */
  #escaped(grown: Growing): void {
    const shown = this.#keepEscapes ? this.#escape : '';
    const next = this.#source.codePointAt(this.#at + 1);
    this.#at += 1;
    if (next === undefined) return grown.addSolid(shown);
    const character = String.fromCodePoint(next);
    this.#at += character.length;
    return grown.addSolid(shown + character);
  }

  #singleQuoted(): string {
    const end = this.#source.indexOf("'", this.#at + 1);
    if (end < 0) throw this.#failure('unexpected end of statement while looking for matching single-quote');
    const inner = this.#source.slice(this.#at + 1, end);
    this.#at = end + 1;
    return this.#options.keepQuotes === true ? `'${inner}'` : inner;
  }

  #doubleQuoted(): string {
    const quote = this.#options.keepQuotes === true ? '"' : '';
    let text = quote;
    this.#at++;
    for (;;) {
      const character = this.#source[this.#at];
      if (character === undefined) throw this.#failure('unexpected end of statement while looking for matching double-quote');
      if (character === '"') break;
      if (character === '$') text += this.#variable();
      else if (character === this.#escape) text += this.#escapedInQuotes();
      else {
        text += character;
        this.#at++;
      }
    }
    this.#at++;
    return text + quote;
  }

  /** Within double quotes an escape takes the meaning from `"`, `$` and itself, and is itself before all else. */
  #escapedInQuotes(): string {
    const next = this.#source[++this.#at];
    const kept = this.#keepEscapes ? this.#escape : '';
    if (next === undefined) return kept;
    if (next !== '"' && next !== '$' && next !== this.#escape) return kept + this.#escape;
    this.#at++;
    return kept + next;
  }

  #variable(): string {
    this.#at++;
    if (this.#source[this.#at] === '{') return this.#braced();
    const name = this.#name();
    if (name === '') return '$';
    const value = this.#value(name);
    return value ?? (this.#options.keepUnset === true ? `$${name}` : '');
  }

  #braced(): string {
    const first = this.#source[++this.#at];
    if (first === undefined) throw this.#failure("syntax error: missing '}'");
    if (first === '{' || first === '}' || first === ':') throw this.#failure('syntax error: bad substitution');
    const name = this.#name();
    const operator = this.#source[this.#at++];
    if (operator === undefined) throw this.#failure("syntax error: missing '}'");
    if (operator === '}') return this.#value(name) ?? (this.#options.keepUnset === true ? `\${${name}}` : '');
    if (operator === '/') return this.#exchanged(name);
    if (operator === '#' || operator === '%') return this.#trimmed(name, operator);
    const emptyIsUnset = operator === ':';
    const modifier = emptyIsUnset ? this.#source[this.#at++] ?? '' : operator;
    if (!'+-?'.includes(modifier) || modifier === '') this.#value(name);
    if (!'+-?'.includes(modifier) || modifier === '') throw this.#failure(`unsupported modifier (${emptyIsUnset ? ':' : ''}${modifier}) in substitution`);
    return this.#chosen(name, modifier, emptyIsUnset);
  }

  /** `-` a default, `+` an alternative, `?` a demand. */
  #chosen(name: string, modifier: string, emptyIsUnset: boolean): string {
    const word = this.#until('}', false).text;
    const value = this.#value(name);
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}${emptyIsUnset ? ':' : ''}${modifier}${word}}`;
    const isSet = value !== undefined && !(emptyIsUnset && value === '');
    if (modifier === '-') return isSet ? value : word;
    if (modifier === '+') return isSet ? word : '';
    if (isSet) return value;
    throw this.#failure(`${name}: ${word === '' ? `is not allowed to be ${value === undefined ? 'unset' : 'empty'}` : word}`);
  }

  #trimmed(name: string, operator: '#' | '%'): string {
    const word = this.#until('}', true).text;
    const value = this.#value(name);
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}${operator}${word}}`;
    const longest = word.startsWith(operator);
    const trim = operator === '#' ? withoutPrefix : withoutSuffix;
    return this.#patterned(longest ? word.slice(1) : word, (pattern) => trim(value ?? '', pattern, longest));
  }

  #exchanged(name: string): string {
    const all = this.#source[this.#at] === '/';
    if (all) this.#at++;
    const pattern = this.#until('/', true).text;
    const replacement = this.#until('}', true).text;
    const value = this.#value(name);
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}/${all ? '/' : ''}${pattern}/${replacement}}`;
    return this.#patterned(pattern, (parsed) => exchange(value ?? '', parsed, replacement, { all, lengthMax: expandedLengthMax }));
  }

  #patterned(source: string, apply: (pattern: Pattern) => string): string {
    try {
      return apply(parsePattern(source));
    } catch (error) {
      if (error instanceof PatternError) throw this.#failure(`invalid pattern (${source}) in substitution: ${error.message}`);
      throw error;
    }
  }

  /** Letters, digits and `_`; digits alone when it begins with one; or one of the shell's special parameters. */
  #name(): string {
    const pattern = /\p{Nd}+|[@*#?\-$!]|[\p{L}_][\p{L}\p{Nd}_]*/uy;
    pattern.lastIndex = this.#at;
    const name = pattern.exec(this.#source)?.[0] ?? '';
    this.#at += name.length;
    return name;
  }

  #value(name: string): string | undefined {
    const value = this.#lookup(name);
    (value === undefined ? this.#unmatched : this.#matched).add(name);
    this.#brought += value?.length ?? 0;
    if (this.#brought > expandedLengthMax) throw this.#failure(`longer than ${expandedLengthMax} characters`);
    return value;
  }

  #failure(message: string): Error {
    return wrong(`failed to process ${JSON.stringify(this.#source.length > 200 ? `${this.#source.slice(0, 200)}…` : this.#source)}: ${message}`);
  }
}
