// From text to statements: lines are put together where they continue, comments and directives are taken out, heredocs are collected. What a
// statement says is read by others (instructions/). One pass, each character looked at a fixed number of times.
// Source: Dockerfile reference, "Format", "Parser directives", "Here-Documents".
import { type Directives, DirectiveReader, type Escape } from './directives.ts';
import { heredocMarks, type Heredoc } from './heredoc.ts';
import { DockerfileError, type LineRange, locate, wrong } from './source.ts';
import { firstWord, takeFlags } from './words.ts';

/** BuildKit's limit for one line. */
export const lineBytesMax = 65_535;
/** For the whole file: thousands of stages, heredocs of reasonable size. */
export const dockerfileBytesMax = 2 << 20;

export interface Statement {
  /** As it is written: `FROM`, `from`. */
  readonly keyword: string;
  /** `--name=value`, without quotes. */
  readonly flags: readonly string[];
  readonly rest: string;
  /** The whole instruction in one line. */
  readonly text: string;
  readonly lines: LineRange;
  /** The comments above it, without `#`; an empty comment begins them anew. */
  readonly comments: readonly string[];
  readonly heredocs: readonly Heredoc[];
}

export interface Statements {
  readonly directives: Directives;
  readonly statements: readonly Statement[];
  /** Where an empty line stands inside an instruction. */
  readonly emptyContinuations: readonly LineRange[];
}

/** @throws a DockerfileError for lines that are too long, directives that are wrong, heredocs without end, and a file without instructions */
export function readStatements(text: string): Statements {
  return new Reader(text).run();
}

class Reader {
  readonly #lines: Lines;
  readonly #directives = new DirectiveReader();
  readonly #statements: Statement[] = [];
  readonly #emptyContinuations: LineRange[] = [];
  #comments: string[] = [];

  constructor(text: string) {
    this.#lines = new Lines(text);
  }

  run(): Statements {
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) this.#take(line);
    if (this.#statements.length === 0) throw new DockerfileError('file with no instructions', this.#lines.number === 0 ? [] : [{ start: this.#lines.number, end: this.#lines.number }], 'Begin with FROM IMAGE');
    return { directives: this.#directives.result(), statements: this.#statements, emptyContinuations: this.#emptyContinuations };
  }

  #take(line: string): void {
    const start = this.#lines.number;
    const trimmed = withoutLineEnd(line).trimStart();
    try {
      if (this.#directives.take(trimmed)) return;
    } catch (error) {
      throw locate(error, { start, end: start });
    }
    if (trimmed.startsWith('#')) {
      const comment = trimmed.slice(1).trim();
      if (comment === '') this.#comments = [];
      else this.#comments.push(comment);
      return;
    }
    if (trimmed !== '') this.#statement(trimmed, start);
  }

  #statement(first: string, start: number): void {
    const text = this.#continued(first);
    if (text === '') return;
    const [keyword, arguments_] = firstWord(text.trim());
    const { flags, rest } = takeFlags(arguments_ ?? '');
    const heredocs = this.#heredocs(keyword, rest, text, start);
    this.#statements.push({ keyword, flags, rest: rest.trim(), text, lines: { start, end: this.#lines.number }, comments: this.#comments, heredocs });
    this.#comments = [];
  }

  /** The line and those that continue it. */
  #continued(first: string): string {
    let { text, continues } = splitContinuation(first, this.#directives.escape);
    const parts = [text];
    let hasEmpty = false;
    while (continues) {
      const line = this.#lines.next();
      if (line === undefined) break;
      const bare = withoutLineEnd(line);
      if (bare.trimStart().startsWith('#')) continue;
      if (bare.trimStart() === '') hasEmpty = true;
      else {
        ({ text, continues } = splitContinuation(bare, this.#directives.escape));
        parts.push(text);
      }
    }
    if (hasEmpty) this.#emptyContinuations.push({ start: this.#lines.number, end: this.#lines.number });
    return parts.join('');
  }

  #heredocs(keyword: string, rest: string, text: string, start: number): readonly Heredoc[] {
    if (!takesHeredocs(keyword, rest)) return [];
    try {
      return heredocMarks(text).map((mark) => ({ ...mark, content: this.#heredocContent(mark.name, mark.stripsTabs) }));
    } catch (error) {
      throw locate(error, { start, end: this.#lines.number });
    }
  }

  #heredocContent(name: string, stripsTabs: boolean): string {
    const lines: string[] = [];
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      const bare = withoutLineEnd(line);
      if ((stripsTabs ? bare.replace(/^\t+/, '') : bare) === name) return lines.join('');
      lines.push(line);
    }
    throw wrong('unterminated heredoc', `End it with a line of ${name} alone`);
  }
}

/** Only these have files in their arguments; a JSON list has none. */
function takesHeredocs(keyword: string, rest: string): boolean {
  const name = keyword.toUpperCase();
  if (name !== 'ONBUILD') return ['ADD', 'COPY', 'RUN'].includes(name) && !/^\s*\[/.test(rest);
  const [inner, innerRest = ''] = firstWord(rest);
  return inner.toUpperCase() !== 'ONBUILD' && takesHeredocs(inner, takeFlags(innerRest).rest);
}

/** An escape as the last character continues the line, unless it is escaped itself. */
function splitContinuation(line: string, escape: Escape): { readonly text: string; readonly continues: boolean } {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  const continues = line[end - 1] === escape && line[end - 2] !== escape;
  return { text: continues ? line.slice(0, end - 1) : line, continues };
}

/** The file line by line, each with its end. */
class Lines {
  readonly #text: string;
  #at: number;
  /** Of the line that was given last, from 1. */
  number = 0;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith('\uFEFF') ? 1 : 0;
  }

  next(): string | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const end = this.#text.indexOf('\n', this.#at);
    const line = this.#text.slice(this.#at, end < 0 ? undefined : end + 1);
    this.#at += line.length;
    this.number++;
    this.#check(line);
    return line;
  }

  #check(line: string): void {
    const fails = (message: string, hint: string): unknown => locate(wrong(message, hint), { start: this.number, end: this.number });
    if (line.length > lineBytesMax / 3 && Buffer.byteLength(line) > lineBytesMax) throw fails(`dockerfile line greater than max allowed size of ${lineBytesMax}`, 'Break it with a backslash at the end');
    if (this.#at > dockerfileBytesMax) throw fails(`the Dockerfile is larger than ${dockerfileBytesMax} bytes`, 'Put what is large into a file of the context, and COPY it');
    if (line.includes('\0')) throw fails('the line contains a NUL character', 'Save the file as UTF-8 text');
  }
}

function withoutLineEnd(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end--;
  return line.slice(0, end);
}
