// An answer that goes on until the client leaves: events, statistics. Thousands of them may lie idle, so nothing of node:http stays behind such an
// answer: the socket is taken over and the chunks (RFC 9112 §7.1) are framed here. What is left of an idle stream is its socket.
import type { Duplex } from 'node:stream';
import type { Call } from './call.ts';
import { takeSocketForAnswer } from './hijack.ts';

/** A client for which more is waiting is cut off: it does not read. */
const waitingBytesMax = 256 * 1024;

export class LongAnswer {
  readonly #socket: Duplex;
  readonly #chunked: boolean;
  readonly #closing: AbortSignal;
  #onGone: (() => void) | undefined;

  /** Sends the head. From here on the answer can only go on, end, or be cut off. */
  constructor({ request, response, closing }: Pick<Call, 'request' | 'response' | 'closing'>) {
    this.#chunked = request.httpVersion !== '1.0';
    this.#socket = takeSocketForAnswer(request, response, [
      'Content-Type: application/json', 'Connection: close', ...(this.#chunked ? ['Transfer-Encoding: chunked'] : []),
    ]);
    this.#closing = closing;
    this.#socket.on('error', ignore); // 'close' follows, and says all there is to say
    this.#socket.once('end', this.end);
    this.#socket.once('close', this.#closed);
    this.#socket.resume(); // what the client still says is dropped; its end is seen
    closing.addEventListener('abort', this.end);
  }

  /** Whether what was sent last still waits for the client. */
  get isHeldUp(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** `onGone` runs once, when the client has left, was cut off, or the answer has ended. */
  onGone(onGone: () => void): void {
    if (this.#socket.destroyed) onGone();
    else this.#onGone = onGone;
  }

  send(text: string | Uint8Array): void {
    if (this.#socket.writableEnded || this.#socket.destroyed) return;
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    this.#socket.write(this.#chunked ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]) : bytes);
    if (this.#socket.writableLength > waitingBytesMax) this.#socket.destroy();
  }

  readonly end = (): void => {
    if (this.#socket.writableEnded || this.#socket.destroyed) return;
    this.#socket.end(this.#chunked ? '0\r\n\r\n' : '', () => this.#socket.destroy());
  };

  readonly #closed = (): void => {
    this.#closing.removeEventListener('abort', this.end);
    this.#onGone?.();
  };
}

function ignore(): void {}
