// The words of a Dockerfile instruction's arguments: separated by spaces, with quotes, backslash escapes and $VARIABLES.
// Source: Dockerfile reference, "Environment replacement" ($x and ${x}; the forms with modifiers are refused).
import { fail } from '../base/index.ts';

export type Lookup = (name: string) => string;

/** @throws `invalid` for a quote that does not end, or a variable with modifiers. */
export function splitWords(text: string, lookup: Lookup): readonly string[] {
  const words: string[] = [];
  const scanner = new Scanner(text, lookup);
  for (let word = scanner.next(); word !== undefined; word = scanner.next()) words.push(word);
  return words;
}

class Scanner {
  readonly #text: string;
  readonly #lookup: Lookup;
  #at = 0;

  constructor(text: string, lookup: Lookup) {
    this.#text = text;
    this.#lookup = lookup;
  }

  next(): string | undefined {
    while (isSpace(this.#text[this.#at])) this.#at++;
    if (this.#at >= this.#text.length) return undefined;
    let word = '';
    while (this.#at < this.#text.length && !isSpace(this.#text[this.#at])) word += this.#part();
    return word;
  }

  #part(): string {
    const character = this.#text[this.#at++]!;
    if (character === "'") return this.#singleQuoted();
    if (character === '"') return this.#doubleQuoted();
    if (character === '$') return this.#variable();
    if (character === '\\' && this.#at < this.#text.length) return this.#text[this.#at++]!;
    return character;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end < 0) throw this.#unfinished("'");
    const part = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return part;
  }

  #doubleQuoted(): string {
    let part = '';
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw this.#unfinished('"');
      if (character === '"') return part;
      if (character === '$') part += this.#variable();
      else if (character === '\\' && '"$\\'.includes(this.#text[this.#at] ?? ' ')) part += this.#text[this.#at++]!;
      else part += character;
    }
  }

  #variable(): string {
    const rest = this.#text.slice(this.#at);
    const found = /^(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/.exec(rest);
    if (found === null) {
      if (rest.startsWith('{')) throw fail('invalid', `cannot replace a variable in ${JSON.stringify(this.#text)}: only $name and \${name} are supported`);
      return '$';
    }
    this.#at += found[0].length;
    return this.#lookup(found[1] ?? found[2]!);
  }

  #unfinished(quote: string): Error {
    return fail('invalid', `unexpected end of ${JSON.stringify(this.#text)} while looking for matching ${quote === '"' ? 'double' : 'single'}-quote`);
  }
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
