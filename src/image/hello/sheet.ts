// Writing a text with system calls alone: the vocabulary of the hello program (program.ts). Steps are collected in order, for `assemble`.
//
// There is no code besides the calls, so what code usually does is done by calls too:
// - The *sheet* is a file in memory (memfd) that collects the text. At the end it is read back and printed in one piece.
// - *Comparing*: futex(2) with FUTEX_CMP_REQUEUE and nobody to wake answers 0 when a word in memory has the expected value, and an error when
//   it has not; the op jumps on the error. That is enough to find a line in a file, byte by byte.
// - *Going elsewhere*: getpid is always positive, so "jump when positive" is a plain jump.
// A call that fails leaves its place empty: nobody should miss a hello for what it could not see.
import type { Argument, Op, Step } from '../../kernel/index.ts';

const stdout = 1;
const currentDirectory = -100; // AT_FDCWD of linux/fcntl.h
const compareRequeue = 4; // FUTEX_CMP_REQUEUE of linux/futex.h
const sheetBytesMax = 8192;
const pieceBytesMax = 256;

const sheet: Argument = { resultOf: 'sheet' };
const whole: Argument = { space: 'whole', sizeBytes: sheetBytesMax };
const piece: Argument = { space: 'piece', sizeBytes: pieceBytesMax };
/** What is compared: four bytes at the start of a line, one byte elsewhere (its other three stay zero). futex wants whole, aligned words. */
const start: Argument = { space: 'start', sizeBytes: 4 };
const byte: Argument = { space: 'byte', sizeBytes: 4 };

export class Sheet {
  readonly #steps: Step[] = [];
  #labels = 0;

  constructor() {
    this.#call({ call: 'memfd_create', args: ['sheet', 0], label: 'sheet' });
  }

  say(text: string): void {
    const bytes = Buffer.from(text);
    this.#call({ call: 'write', args: [sheet, bytes, bytes.length] });
  }

  /** The beginning of a file, as it is. */
  quote(path: string): void {
    const file = this.open(path);
    this.#quote({ call: 'read', args: [file, piece, pieceBytesMax] });
  }

  /** The text of a symbolic link. */
  quoteLink(path: string): void {
    this.#quote({ call: 'readlinkat', args: [currentDirectory, path, piece, pieceBytesMax] });
  }

  open(path: string): Argument {
    const label = this.#label('open');
    this.#call({ call: 'openat', args: [currentDirectory, path, 0], label });
    return { resultOf: label };
  }

  /** Runs `then` behind the first four bytes of the next line of `file` that begins with them, if there is one. */
  findLine(file: Argument, beginning: string, then: () => void): void {
    const [line, skip, found, end] = [this.#label('line'), this.#label('skip'), this.#label('found'), this.#label('end')];
    this.#readOr(file, start, 4, end, line);
    this.#unless(start, beginning, skip);
    this.#jump(found);
    this.#skipThrough(file, '\n', end, skip);
    this.#jump(line);
    this.#mark(found);
    then();
    this.#mark(end);
  }

  /** What comes behind the next `after` of `file`, up to `until`. */
  quoteBetween(file: Argument, after: string | undefined, until: string): void {
    const [next, isOther, end] = [this.#label('next'), this.#label('other'), this.#label('end')];
    if (after !== undefined) this.#skipThrough(file, after, end);
    this.#readOr(file, byte, 1, end, next);
    this.#unless(byte, until, isOther);
    this.#jump(end);
    this.#mark(isOther);
    this.#call({ call: 'write', args: [sheet, byte, 1] });
    this.#jump(next);
    this.#mark(end);
  }

  /** One of two texts, by the one byte that stands between a tab and the line's end. */
  choose(file: Argument, expected: string, yes: string, no: string): void {
    const [isOther, chosen, end] = [this.#label('other'), this.#label('chosen'), this.#label('end')];
    this.#skipThrough(file, '\t', end);
    this.#readOr(file, byte, 1, end);
    this.#unless(byte, expected, isOther);
    this.say(yes);
    this.#jump(chosen);
    this.#mark(isOther);
    this.say(no);
    this.#mark(chosen);
    this.#skipThrough(file, '\n', end);
    this.#mark(end);
  }

  /** Prints the sheet and ends with 0. */
  print(): readonly Step[] {
    this.#call({ call: 'lseek', args: [sheet, 0, 0] });
    this.#call({ call: 'read', args: [sheet, whole, sheetBytesMax], label: 'reread' });
    this.#call({ call: 'write', args: [stdout, whole, { resultOf: 'reread' }] });
    this.#call({ call: 'exit_group', args: [0] });
    return this.#steps;
  }

  #quote(read: Op): void {
    const label = this.#label('quote');
    this.#call({ ...read, label });
    this.#call({ call: 'write', args: [sheet, piece, { resultOf: label }] });
  }

  /** Reads exactly what is asked for, or goes to `end` at the file's end. */
  #readOr(file: Argument, into: Argument, sizeBytes: number, end: string, label?: string): void {
    const got = this.#label('got');
    this.#call({ call: 'read', args: [file, into, sizeBytes], onPositive: { goto: got }, ...label === undefined ? {} : { label } });
    this.#jump(end);
    this.#mark(got);
  }

  #skipThrough(file: Argument, character: string, end: string, label = this.#label('skip')): void {
    this.#readOr(file, byte, 1, end, label);
    this.#unless(byte, character, label);
  }

  /** Goes to `target` unless the word `where` is `text` (one or four characters). */
  #unless(where: Argument, text: string, target: string): void {
    const word = Buffer.alloc(4);
    word.write(text);
    this.#steps.push({ call: 'futex', args: [where, compareRequeue, 0, 0, where, word.readUInt32LE()], onError: { goto: target } });
  }

  #jump(target: string): void {
    this.#call({ call: 'getpid', args: [], onPositive: { goto: target } });
  }

  #mark(label: string): void {
    this.#steps.push({ label });
  }

  #call(op: Op): void {
    this.#steps.push({ ...op, onError: 'ignore' });
  }

  #label(purpose: string): string {
    return `${purpose} ${this.#labels++}`;
  }
}
