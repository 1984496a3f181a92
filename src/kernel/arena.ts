// Arenas: native memory in which programs run. An arena is taken for one program and given back when nothing runs in it any more: for a program
// that starts a process, not before that process has its own memory (its execve is over, seen by the end of the error pipe).
import { call, stubAddress } from './call.ts';
import { enter, mapMemory, type NativeMemory } from './ffi.ts';
import { headerBytes, opBytes } from './program.ts';

/** The parts of an image that running it needs: what travels from the daemon to the supervisor. */
export interface Loadable {
  readonly bytes: Uint8Array;
  readonly spaceBytes: number;
  readonly relocations: Uint32Array;
}

const arenaBytesMin = 256 * 1024;
const MADV_KEEPONFORK = 19;
const free: NativeMemory[] = [];

export class Arena implements Disposable {
  #memory: NativeMemory | undefined;
  readonly #words: Uint32Array;
  readonly #ownSize: boolean;

  private constructor(memory: NativeMemory, ownSize: boolean) {
    this.#memory = memory;
    this.#ownSize = ownSize;
    this.#words = new Uint32Array(memory.bytes.buffer, 0, memory.bytes.length / 4);
  }

  /** Takes memory, copies the image into it and turns its offsets into addresses. */
  static load(image: Loadable): Arena {
    const sizeBytes = image.bytes.length + image.spaceBytes;
    const pooled = sizeBytes <= arenaBytesMin;
    const memory = pooled ? free.pop() ?? mapMemory(arenaBytesMin) : mapMemory(Math.ceil(sizeBytes / 4096) * 4096);
    // A pooled one may have been wiped for an earlier child (forkable.ts).
    call('madvise', memory.address, memory.bytes.length, MADV_KEEPONFORK);
    const arena = new Arena(memory, !pooled);
    memory.bytes.set(image.bytes);
    memory.bytes.fill(0, image.bytes.length, sizeBytes);
    for (const at of image.relocations) arena.setWord64(at, memory.address + arena.word64(at));
    return arena;
  }

  get #live(): NativeMemory {
    if (this.#memory === undefined) throw new Error('The arena was given back');
    return this.#memory;
  }

  /** Where it lies, while it is not given back. */
  get memory(): NativeMemory {
    return this.#live;
  }

  word64(at: number): number {
    return (this.#words[at / 4 + 1]! | 0) * 2 ** 32 + this.#words[at / 4]!;
  }

  setWord64(at: number, value: number): void {
    this.#words[at / 4] = value % 2 ** 32;
    this.#words[at / 4 + 1] = Math.floor(value / 2 ** 32);
  }

  int32(at: number): number {
    return this.#words[at / 4]! | 0;
  }

  /** The result of op `index`. */
  result(index: number): number {
    return this.word64(headerBytes + index * opBytes + 64);
  }

  /** Runs the program on this thread, until it returns. */
  run(): void {
    enter(stubAddress, BigInt(this.#live.address));
  }

  /** Gives the memory back. Only when nothing runs in it. */
  [Symbol.dispose](): void {
    const memory = this.#memory;
    this.#memory = undefined;
    if (memory === undefined) return;
    if (this.#ownSize) call('munmap', memory.address, memory.bytes.length);
    else free.push(memory);
  }
}
