// Heredocs: `<<EOF` in RUN, COPY and ADD, several in a line, `<<-EOF` without the tabs at the beginning of lines, quoted names for contents in
// which variables stay as they are. Source: Dockerfile reference, "Here-Documents"; POSIX, Shell Command Language 2.7.4.
import { expand } from './expand.ts';

/** What announces a heredoc, as it stands in the instruction. */
export interface HeredocMark {
  readonly name: string;
  readonly stripsTabs: boolean;
  /** Whether variables in the content are replaced. */
  readonly expands: boolean;
}

export interface Heredoc extends HeredocMark {
  /** All lines before the one that ends it, each with its line end. */
  readonly content: string;
}

const nothing = (): undefined => undefined;

/** Whether a word announces a heredoc. */
export function heredocMark(word: string): HeredocMark | undefined {
  const [, dash, written = ''] = /^\d*<<(-?)([^<]+)$/s.exec(word) ?? [];
  if (written === '') return undefined;
  const names = expand(written, nothing, { keepUnset: true }).words;
  if (names.length !== 1) return undefined;
  return { name: names[0]!, stripsTabs: dash === '-', expands: names[0] === written };
}

/** All that an instruction announces, in their order. */
export function heredocMarks(line: string): readonly HeredocMark[] {
  if (!line.includes('<<')) return [];
  const { words } = expand(line, nothing, { keepQuotes: true, keepEscapes: true, keepUnset: true });
  return words.flatMap((word) => heredocMark(word) ?? []);
}

/** The content as it is meant: with `<<-`, without the tabs at the beginning of lines. */
export function meantContent({ content, stripsTabs }: Heredoc): string {
  return stripsTabs ? content.replace(/^\t+/gm, '') : content;
}
