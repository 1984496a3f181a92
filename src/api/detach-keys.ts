// Detach keys: the key sequence by which a person at a terminal leaves a container without ending it (ctrl-p, ctrl-q unless chosen).
// Pure: bytes in, bytes for the program out, and whether the sequence was completed. Keys that may be the beginning of the sequence are held
// back until the next key decides; none is ever lost.
import { fail } from '../base/index.ts';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** In the order of their codes, from 0. */
const controlNames = '@abcdefghijklmnopqrstuvwxyz[\\]^_'.split('');
const codes = new Map([...controlNames.map((name, code) => [`ctrl-${name}`, code] as const), ['DEL', 127]]);

/** The bytes of a sequence in Docker's syntax: keys separated by commas, each one a character, `ctrl-` and a letter or one of `@[\]^_`, or `DEL`. @throws `invalid`. */
export function parseDetachKeys(text: string): Uint8Array {
  const keys = (text === '' ? defaultDetachKeys : text).split(',').map((key) => codes.get(key) ?? (key.length === 1 && key < '\x80' ? key.charCodeAt(0) : undefined));
  if (keys.includes(undefined)) throw fail('invalid', `Invalid detach keys (${text.slice(0, 100)}) provided`);
  return Uint8Array.from(keys as number[]);
}

export interface Typed {
  /** What goes to the program. */
  readonly passed: Uint8Array;
  readonly detached: boolean;
}

/** A watcher of typed bytes: call it with each chunk in turn. What was typed after a complete sequence is dropped. */
export function watchDetachKeys(sequence: Uint8Array): (typed: Uint8Array) => Typed {
  let held: number[] = [];
  const isBegun = () => held.every((byte, index) => byte === sequence[index]);
  return (typed) => {
    if (held.length === 0 && !typed.includes(sequence[0]!)) return { passed: typed, detached: false };
    const passed: number[] = [];
    for (const byte of typed) {
      held.push(byte);
      while (!isBegun()) passed.push(held.shift()!);
      if (held.length === sequence.length) {
        held = [];
        return { passed: Uint8Array.from(passed), detached: true };
      }
    }
    return { passed: Uint8Array.from(passed), detached: false };
  };
}
