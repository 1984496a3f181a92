// Programs: lists of system calls as data, and their assembly into the table that the stub walks.
//
// Words. An *op* is one call with its arguments in words that TypeScript can read and `--explain` can print. A *label* names an op, so that
// others can jump to it or use its result. A *slot* is a number that is known only when the program runs (a file descriptor, a pid).
// An *image* is the assembled program: bytes, the places in them that hold addresses (relocations), and where the slots are. An image can be
// sent to another process and be placed at any address.
//
// What holds: ops run in order; an op that fails ends its process with 127 after writing itself to the error fd, unless it says otherwise.
// A program that runs in our own process must therefore say otherwise on every op (`inProcess` checks it).
import { fail } from '../base/index.ts';
import type { SyscallName } from './syscalls.ts';
import { syscallNumbers } from './syscalls.ts';
import type { Architecture } from './stub.ts';

/** What an argument can be; plain values first. Strings become NUL-terminated, bytes are placed as they are. */
export type Argument =
  | number
  | bigint
  | string
  | Uint8Array
  | { readonly slot: string }
  | { readonly resultOf: string }
  /** The address of a whole op as it stands after its call: what the error fd gets of one that fails, for one that tells of its success. */
  | { readonly recordOf: string }
  | { readonly strings: readonly string[] }
  | { readonly space: string; readonly sizeBytes: number; readonly offset?: number }
  | Struct;

/** Memory with fields that are known only when it is placed: at each offset of `pointers` stands the address of that argument, or a slot's value. */
export interface Struct {
  readonly struct: Uint8Array;
  readonly pointers: Readonly<Record<number, Argument>>;
}

export interface Op {
  readonly call: SyscallName;
  readonly args: readonly Argument[];
  /** Why the step is there: for people. */
  readonly why?: string;
  readonly label?: string;
  /** Default: end the process with a record. */
  readonly onError?: 'ignore' | { readonly goto: string };
  readonly onPositive?: { readonly goto: string };
}

export type Step = Op | { readonly label: string };

export interface Image {
  readonly bytes: Uint8Array;
  /** Bytes that the program needs beyond `bytes`, zeroed: stacks and buffers. */
  readonly spaceBytes: number;
  /** Offsets of 64-bit words that hold an offset into the image, to become an address. */
  readonly relocations: Uint32Array;
  /** Offset of each slot's 64-bit word. */
  readonly slots: ReadonlyMap<string, number>;
  /** Offset of each named space. */
  readonly spaces: ReadonlyMap<string, number>;
  /** The ops in order, as they were given. */
  readonly ops: readonly Op[];
  readonly opCount: number;
}

export const headerBytes = 64;
export const opBytes = 80;
const argumentsMax = 6;
const flagIgnore = 1;
const flagJumpPositive = 2;
const flagJumpError = 4;
const two32 = 2 ** 32;

/** A number nobody gives a system call: an op with it fails with ENOSYS. For fault injection. */
const impossibleCall = 0x7fffff;

/**
 * Assembles `steps` for `architecture`. Pure. Slot `error` becomes the program's error fd.
 * `failAt` replaces the call of the op with that index by one that the kernel refuses: fault injection. `indexFrom` is the first op's index in
 * records, for a program that goes on where another ended.
 * @throws Error for a label that is missing or named twice: a bug in whoever wrote the program; "invalid" for a string with a NUL in it.
 */
export function assemble(steps: readonly Step[], architecture: Architecture, options: { readonly failAt?: number; readonly indexFrom?: number } = {}): Image {
  return new Assembler(steps, architecture, options.failAt, options.indexFrom ?? 0).image();
}

class Assembler {
  readonly #steps: readonly Step[];
  readonly #ops: Op[] = [];
  readonly #labels = new Map<string, number>();
  readonly #slots = new Map<string, number>();
  readonly #spaces = new Map<string, { sizeBytes: number; offset: number }>();
  readonly #strings = new Map<string, number>();
  readonly #stringLists = new Map<readonly string[], number>();
  readonly #relocations: number[] = [];
  readonly #spaceWords: { at: number; space: string; add: number }[] = [];
  readonly #column: 0 | 1;
  readonly #failAt: number | undefined;
  readonly #indexFrom: number;
  #bytes: Buffer;
  #words: Uint32Array;
  #end: number;

  constructor(steps: readonly Step[], architecture: Architecture, failAt: number | undefined, indexFrom: number) {
    this.#steps = steps;
    this.#column = architecture === 'x64' ? 0 : 1;
    this.#failAt = failAt;
    this.#indexFrom = indexFrom;
    this.#indexLabels();
    const tableBytes = headerBytes + (this.#ops.length + 1) * opBytes;
    this.#bytes = Buffer.from(new ArrayBuffer(roundUp(tableBytes * 2, 4096)));
    this.#words = wordsOf(this.#bytes);
    this.#end = tableBytes;
  }

  #indexLabels(): void {
    for (const step of this.#steps) {
      if (step.label !== undefined) {
        if (this.#labels.has(step.label)) throw new Error(`Label "${step.label}" is named twice`);
        this.#labels.set(step.label, this.#ops.length);
      }
      if ('call' in step) this.#ops.push(step);
    }
  }

  image(): Image {
    this.#slots.set('error', 0);
    for (const [index, op] of this.#ops.entries()) this.#placeOp(op, index);
    this.#setWord64(headerBytes + this.#ops.length * opBytes, -1);
    let spaceBytes = 0;
    const start = roundUp(this.#end, 64);
    for (const space of this.#spaces.values()) {
      space.offset = start + spaceBytes;
      spaceBytes += roundUp(space.sizeBytes, 64);
    }
    for (const { at, space, add } of this.#spaceWords) this.#setWord64(at, this.#spaces.get(space)!.offset + add);
    return {
      bytes: this.#bytes.subarray(0, start), spaceBytes, relocations: Uint32Array.from(this.#relocations), slots: this.#slots,
      spaces: new Map([...this.#spaces].map(([name, { offset }]) => [name, offset])), ops: this.#ops, opCount: this.#ops.length,
    };
  }

  #placeOp(op: Op, index: number): void {
    if (op.args.length > argumentsMax) throw new Error(`${op.call}: more than ${argumentsMax} arguments`);
    const at = headerBytes + index * opBytes;
    this.#setWord64(at, this.#indexFrom + index === this.#failAt ? impossibleCall : syscallNumbers[op.call][this.#column]);
    let indirect = 0;
    for (const [k, argument] of op.args.entries()) if (this.#placeArgument(argument, at + 8 + k * 8)) indirect |= 1 << k;
    this.#words[(at + 56) / 4] = indirect | ((this.#indexFrom + index) << 8);
    const target = op.onPositive?.goto ?? (typeof op.onError === 'object' ? op.onError.goto : undefined);
    let flags = op.onError === 'ignore' ? flagIgnore : 0;
    if (op.onPositive !== undefined) flags |= flagJumpPositive;
    if (typeof op.onError === 'object') flags |= flagJumpError;
    this.#words[(at + 60) / 4] = flags;
    if (target !== undefined) this.#setWord64(at + 72, (this.#indexOf(target) - index) * opBytes);
  }

  /** Writes the word at `at`; true when it is the address of the value and not the value. */
  #placeArgument(argument: Argument, at: number): boolean {
    if (typeof argument === 'number') this.#setWord64(at, argument);
    else if (typeof argument === 'bigint') this.#bytes.writeBigInt64LE(BigInt.asIntN(64, argument), at);
    else if (typeof argument === 'object' && 'slot' in argument) {
      this.#setAddress(at, this.#slot(argument.slot));
      return true;
    } else if (typeof argument === 'object' && 'resultOf' in argument) {
      this.#setAddress(at, headerBytes + this.#indexOf(argument.resultOf) * opBytes + 64);
      return true;
    } else this.#placePointer(argument, at);
    return false;
  }

  #placePointer(argument: Exclude<Argument, number | bigint | { readonly slot: string } | { readonly resultOf: string }>, at: number): void {
    if (typeof argument === 'string') this.#setAddress(at, this.#string(argument));
    else if (argument instanceof Uint8Array) this.#setAddress(at, this.#memory(argument));
    else if ('recordOf' in argument) this.#setAddress(at, headerBytes + this.#indexOf(argument.recordOf) * opBytes);
    else if ('strings' in argument) this.#setAddress(at, this.#stringList(argument.strings));
    else if ('space' in argument) {
      const space = this.#spaces.get(argument.space);
      if (space === undefined) this.#spaces.set(argument.space, { sizeBytes: argument.sizeBytes, offset: 0 });
      this.#spaceWords.push({ at, space: argument.space, add: argument.offset ?? 0 });
      this.#relocations.push(at);
    } else {
      const start = this.#memory(argument.struct);
      this.#setAddress(at, start);
      for (const [offset, target] of Object.entries(argument.pointers)) {
        this.#placeField(target, start + Number(offset));
      }
    }
  }

  /** A field is read by the kernel, not by the stub: a slot's own word stands in it. */
  #placeField(target: Argument, at: number): void {
    if (typeof target === 'object' && 'slot' in target) {
      if (this.#slots.has(target.slot)) throw new Error(`Slot "${target.slot}" has a place already`);
      this.#slots.set(target.slot, at);
    } else if (this.#placeArgument(target, at)) throw new Error('A structure cannot hold the result of an op');
  }

  #indexOf(label: string): number {
    const index = this.#labels.get(label);
    if (index === undefined) throw new Error(`Label "${label}" is missing`);
    return index;
  }

  #slot(name: string): number {
    let offset = this.#slots.get(name);
    if (offset === undefined) this.#slots.set(name, offset = this.#reserve(8));
    return offset;
  }

  #string(text: string): number {
    let offset = this.#strings.get(text);
    if (offset !== undefined) return offset;
    if (text.includes('\0')) throw fail('invalid', `Invalid argument: ${JSON.stringify(text.slice(0, 100))} contains a NUL character`);
    const length = Buffer.byteLength(text);
    this.#strings.set(text, offset = this.#reserve(length + 1));
    this.#bytes.write(text, offset);
    return offset;
  }

  /** Placed once, however many ops name it: execve is tried in every directory of PATH. */
  #stringList(values: readonly string[]): number {
    const known = this.#stringLists.get(values);
    if (known !== undefined) return known;
    const start = this.#reserve((values.length + 1) * 8);
    this.#stringLists.set(values, start);
    for (const [i, value] of values.entries()) this.#setAddress(start + i * 8, this.#string(value));
    return start;
  }

  #memory(bytes: Uint8Array): number {
    const offset = this.#reserve(bytes.length);
    this.#bytes.set(bytes, offset);
    return offset;
  }

  #reserve(sizeBytes: number): number {
    const offset = this.#end;
    this.#end = roundUp(offset + sizeBytes, 8);
    if (this.#end + 64 > this.#bytes.length) {
      const grown = Buffer.from(new ArrayBuffer(roundUp((this.#end + 64) * 2, 4096)));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#words = wordsOf(grown);
    }
    return offset;
  }

  #setAddress(at: number, offset: number): void {
    this.#setWord64(at, offset);
    this.#relocations.push(at);
  }

  #setWord64(at: number, value: number): void {
    this.#words[at / 4] = value % two32;
    this.#words[at / 4 + 1] = Math.floor(value / two32);
  }
}

function wordsOf(bytes: Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** What an op said when it ended its process: the 80 bytes that the stub wrote to the error fd. */
export interface FailedOp {
  readonly index: number;
  readonly errno: number;
}

/** What a record says: the op's index and its result, negative when it is the op's failure. @throws Error when `record` is not one op. */
export function readRecord(record: Uint8Array): { readonly index: number; readonly result: number } {
  const { index, errno } = readFailedOp(record);
  return { index, result: -errno };
}

/** @throws Error when `record` is not one op. */
export function readFailedOp(record: Uint8Array): FailedOp {
  if (record.length !== opBytes) throw new Error(`An error record has ${opBytes} bytes, not ${record.length}`);
  const view = new DataView(record.buffer, record.byteOffset, opBytes);
  return { index: view.getUint32(56, true) >>> 8, errno: -view.getInt32(64, true) };
}
