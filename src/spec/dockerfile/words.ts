// The words of an instruction's arguments before variables are replaced: quotes and escapes stay in them.
import type { Escape } from './directives.ts';

/** Between words: white space within a line. */
const blank = /[\t\v\f\r ]+/;

/** Separated by white space alone. */
export function splitBlank(text: string): readonly string[] {
  return text === '' ? [] : text.split(blank);
}

/** The first word and the rest. */
export function firstWord(text: string): readonly [word: string, rest: string | undefined] {
  const found = blank.exec(text);
  return found === null ? [text, undefined] : [text.slice(0, found.index), text.slice(found.index + found[0].length)];
}

/** Separated by white space that is neither quoted nor escaped. */
export function splitQuoted(text: string, escape: Escape): readonly string[] {
  const words: string[] = [];
  let [word, quote] = ['', ''];
  let isWord = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quote === '' && /\s/.test(character)) {
      if (isWord) words.push(word);
      [word, isWord] = ['', false];
      continue;
    }
    if (character === escape && quote !== "'") {
      // An escape at the very end is dropped.
      if (at + 1 === text.length) break;
      word += character + text[++at]!;
      isWord = true;
      continue;
    }
    if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
    word += character;
    isWord = true;
  }
  return isWord ? [...words, word] : words;
}

/** `--flag=value …` at the beginning, quotes and backslashes taken away, and what follows them. */
export function takeFlags(text: string): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  let rest = text.trimStart();
  while (rest.startsWith('--')) {
    const { word, length } = unquotedWord(rest);
    rest = rest.slice(length).trimStart();
    if (word === '--') break;
    flags.push(word);
  }
  return { flags, rest };
}

function unquotedWord(text: string): { readonly word: string; readonly length: number } {
  let [word, quote, at] = ['', '', 0];
  for (; at < text.length; at++) {
    const character = text[at]!;
    if (quote === '' && /\s/.test(character)) break;
    if (character === '\\') word += text[++at] ?? '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
    else word += character;
  }
  return { word, length: Math.min(at, text.length) };
}

/** A JSON list of texts; undefined when it is no JSON list. @throws RangeError when something in it is no text */
export function jsonTexts(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // Docker's rule: what is not JSON is for the shell, even with a bracket.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!Array.isArray(value)) return undefined;
  if (!value.every((item) => typeof item === 'string')) throw new RangeError('not all texts');
  return value;
}
