// One attached client and what waits for it.
//
// Output waits as *pieces*, in the order in which it came: a range of a stream's spool, which costs no memory, or, where there is no spool, the bytes
// themselves. Ranges of one stream that follow each other are one piece. The client's reader takes the pieces and turns ranges into bytes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fail } from '../../base/index.ts';
import type { OutputChunk, StreamName } from '../container.ts';

/** Read from a spool at once. */
const chunkBytesMax = 256 * 1024;
/** When streams alternate more often than this, their order among each other is given up, not the memory. */
const piecesMax = 4096;
const movedBytesMin = 64 * 1024;
/** A reader that never waits lets others have their turn after so much. */
const turnBytes = 4 * 1024 * 1024;

/** Fills `buffer` with a stream's spooled bytes from `offset`. */
export type ReadSpool = (stream: StreamName, offset: number, buffer: Uint8Array) => void;

type Piece =
  | { readonly stream: StreamName; from: number; to: number; readonly bytes?: undefined }
  | { readonly stream: StreamName; readonly bytes: Uint8Array };

export interface ClientOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly readSpool: ReadSpool;
  /** The client has taken something. */
  readonly onTaken: () => void;
  /** The client wants no more. */
  readonly onGone: () => void;
}

export class Client {
  readonly #options: ClientOptions;
  #pieces: Piece[] = [];
  #spooledBytes = 0;
  #memoryBytes = 0;
  #takenBytes = 0;
  #movedTakenBytes = 0;
  #movedAtMs = performance.now();
  #takenAtMs = performance.now();
  #ending: 'no' | 'ended' | 'cut' | 'gone' = 'no';
  #missedBytes = 0;
  #wake: (() => void) | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Waiting in the spool. */
  get spooledBytes(): number {
    return this.#spooledBytes;
  }

  /** Waiting in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Whether everything that it will ever get has been taken. */
  get isDone(): boolean {
    return this.#ending !== 'no' && this.#pieces.length === 0;
  }

  /** When it last took 64 KiB, or all there was. */
  get movedAtMs(): number {
    return this.#pieces.length === 0 ? performance.now() : this.#movedAtMs;
  }

  /** When it last took anything. */
  get takenAtMs(): number {
    return this.#pieces.length === 0 ? performance.now() : this.#takenAtMs;
  }

  /** The first spooled byte of `stream` that it needs; undefined when it needs none. */
  firstNeeded(stream: StreamName): number | undefined {
    for (const piece of this.#pieces) if (piece.stream === stream && piece.bytes === undefined) return piece.from;
    return undefined;
  }

  pushRange(stream: StreamName, from: number, to: number): void {
    if (!this.#wants(stream)) return;
    this.#spooledBytes += to - from;
    const last = this.#lastRange(stream);
    if (last !== undefined && last.to === from) last.to = to;
    else this.#push({ stream, from, to });
    this.#wakeUp();
  }

  /** `bytes` are the client's from now on. */
  pushBytes(stream: StreamName, bytes: Uint8Array): void {
    if (!this.#wants(stream)) return;
    this.#memoryBytes += bytes.length;
    this.#push({ stream, bytes });
    this.#wakeUp();
  }

  /** Nothing comes any more; what waits can still be taken. */
  end(): void {
    if (this.#ending === 'no') this.#ending = 'ended';
    this.#wakeUp();
  }

  /** Cut off: it stood still for too long. */
  cut(): void {
    this.#missedBytes = this.#spooledBytes + this.#memoryBytes;
    this.#close('cut');
  }

  /** The client has left. */
  leave(): void {
    this.#close('gone');
  }

  async *chunks(): AsyncGenerator<OutputChunk> {
    try {
      for (let sinceTurn = 0; ;) {
        const chunk = this.#take();
        if (chunk !== undefined) {
          sinceTurn += chunk.bytes.length;
          yield chunk;
          if (sinceTurn < turnBytes) continue;
          sinceTurn = 0;
          await nextTurn();
        } else if (this.#ending === 'no') await new Promise<void>((resolve) => (this.#wake = resolve));
        else break;
      }
      if (this.#missedBytes > 0) throw fail('unavailable', `The client stood still and was cut off: it missed ${this.#missedBytes} bytes of output`, { hint: 'Attach again, and read the log for what was missed' });
    } finally {
      this.#options.onGone();
    }
  }

  #wants(stream: StreamName): boolean {
    return this.#ending === 'no' && this.#options[stream];
  }

  #lastRange(stream: StreamName): Extract<Piece, { from: number }> | undefined {
    const last = this.#pieces.at(-1);
    if (last === undefined || (last.stream !== stream && this.#pieces.length < piecesMax)) return undefined;
    const same = last.stream === stream ? last : this.#pieces.findLast((piece) => piece.stream === stream);
    return same?.bytes === undefined ? same : undefined;
  }

  #push(piece: Piece): void {
    if (this.#pieces.length === 0) this.#movedAtMs = this.#takenAtMs = performance.now();
    this.#pieces.push(piece);
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #close(ending: 'cut' | 'gone'): void {
    this.#ending = ending;
    this.#pieces = [];
    this.#spooledBytes = this.#memoryBytes = 0;
    this.#wakeUp();
    this.#options.onTaken();
  }

  #take(): OutputChunk | undefined {
    const piece = this.#pieces[0];
    if (piece === undefined) return undefined;
    const bytes = piece.bytes ?? this.#readRange(piece);
    if (piece.bytes !== undefined) this.#memoryBytes -= bytes.length;
    if (piece.bytes !== undefined || piece.from === piece.to) this.#pieces.shift();
    this.#noteTaken(bytes.length);
    this.#options.onTaken();
    return { stream: piece.stream, bytes };
  }

  #readRange(piece: Extract<Piece, { from: number }>): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(Math.min(chunkBytesMax, piece.to - piece.from));
    this.#options.readSpool(piece.stream, piece.from, bytes);
    piece.from += bytes.length;
    this.#spooledBytes -= bytes.length;
    return bytes;
  }

  #noteTaken(bytes: number): void {
    this.#takenBytes += bytes;
    this.#takenAtMs = performance.now();
    if (this.#takenBytes - this.#movedTakenBytes < movedBytesMin && this.#pieces.length > 0) return;
    this.#movedTakenBytes = this.#takenBytes;
    this.#movedAtMs = this.#takenAtMs;
  }
}
