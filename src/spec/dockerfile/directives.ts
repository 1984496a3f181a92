// Parser directives: comments of the form `# name=value` before everything else in the file. `syntax` names a frontend that BuildKit would
// fetch; here it is known and changes nothing, the language is built in. Source: Dockerfile reference, "Parser directives".
import { wrong } from './source.ts';

/** What introduces an escape and continues a line. */
export type Escape = '\\' | '`';

export interface Directives {
  readonly escape: Escape;
  readonly syntax: string | undefined;
  /** As written; lint reads it. */
  readonly check: string | undefined;
}

const known = ['escape', 'syntax', 'check'] as const;
type Name = typeof known[number];

/** Takes the file's lines from the first; the first that is no directive ends them. */
export class DirectiveReader {
  readonly #found = new Map<Name, string>();
  #open = true;
  escape: Escape = '\\';

  /** Whether the line is a directive. @throws for one that comes twice, or an escape that is none */
  take(line: string): boolean {
    if (!this.#open) return false;
    const [, word = '', value = ''] = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+)$/s.exec(line.trimEnd()) ?? [];
    const name = known.find((one) => one === word.toLowerCase());
    if (name === undefined) {
      this.#open = false;
      return false;
    }
    if (this.#found.has(name)) throw wrong(`only one ${name} parser directive can be used`);
    this.#found.set(name, value);
    if (name === 'escape') this.escape = escapeOf(value);
    return true;
  }

  result(): Directives {
    return { escape: this.escape, syntax: this.#found.get('syntax'), check: this.#found.get('check') };
  }
}

function escapeOf(value: string): Escape {
  if (value === '\\' || value === '`') return value;
  throw wrong(`invalid escape token '${value}' does not match \` or \\`);
}
