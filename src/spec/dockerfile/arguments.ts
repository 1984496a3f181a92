// The shapes that arguments come in: pairs, one word, several words, a command.
import type { Heredoc } from './heredoc.ts';
import type { Escape } from './directives.ts';
import type { CommandLine, Pair } from './instruction.ts';
import { wrong, wrongText } from './source.ts';
import { firstWord, jsonTexts, splitBlank, splitQuoted } from './words.ts';

/** `K=V K2="v w"`, or the old form `K the rest`. */
export function readPairs(name: string, rest: string, escape: Escape): readonly Pair[] {
  const words = splitQuoted(rest, escape);
  if (words.length === 0) throw wrong(`${name} requires at least one argument`);
  const pairs = words[0]!.includes('=') ? words.map(pairOf) : [legacyPair(name, rest)];
  if (pairs.some(({ key }) => key === '')) throw wrong(`${name} names can not be blank`);
  return pairs;
}

function pairOf(word: string): Pair {
  const at = word.indexOf('=');
  if (at < 0) throw wrongText(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`, 'Put quotes around a value with spaces in it');
  return { key: word.slice(0, at), value: word.slice(at + 1), isLegacy: false };
}

function legacyPair(name: string, rest: string): Pair {
  const [key, value] = firstWord(rest);
  if (value === undefined) throw wrongText(`${name} must have two arguments`, `Write ${name} ${key}=value`);
  return { key, value, isLegacy: true };
}

/** Exactly one argument, which may have spaces in it. */
export function readOne(name: string, rest: string): string {
  if (rest === '') throw wrong(`${name} requires exactly one argument`);
  return rest;
}

/** A JSON list of texts, or words. */
export function readList(rest: string): { readonly words: readonly string[]; readonly isJson: boolean } {
  const texts = readJson(rest);
  return { words: texts ?? splitBlank(rest), isJson: texts !== undefined };
}

export function readCommand(rest: string, heredocs: readonly Heredoc[] = []): CommandLine {
  const words = readJson(rest);
  return words === undefined ? { form: 'shell', line: rest, heredocs } : { form: 'exec', words };
}

/** Undefined when it is no JSON list. */
export function readJson(rest: string): readonly string[] | undefined {
  try {
    return jsonTexts(rest);
  } catch (error) {
    if (error instanceof RangeError) throw wrongText('when using JSON array syntax, arrays must be comprised of strings only', 'Put quotes around each of them');
    throw error;
  }
}
