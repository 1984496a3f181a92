// A stream of JSON messages about work that goes on: pull, push, load. The answer's head goes out with the first of them; until then a failure is an
// answer of its own, afterwards one more message, as in dockerd. What changes all the time is told ten times a second, to a client that reads.
import type { ServerResponse } from 'node:http';
import { fail, isFail } from '../base/index.ts';
import type { OutputChunk } from '../engine/index.ts';
import type { ProgressMessage } from '../spec/docker/image.ts';
import { sentenceOf } from './answer.ts';
import type { Call } from './call.ts';
import { frameHeader, multiplexedStream, sendOutput } from './frames.ts';

const pauseMs = 100;
const barWidth = 50;

export interface Progress {
  readonly current: number;
  readonly total: number;
}

export class ProgressAnswer {
  readonly #response: ServerResponse;
  readonly #isFramed: boolean;
  readonly #toldAt = new Map<string, number>();

  /** `isFramed`: messages go in the frames of stderr, so that bytes can go between them. */
  constructor(response: ServerResponse, isFramed = false) {
    this.#response = response;
    this.#isFramed = isFramed;
  }

  send(message: ProgressMessage): void {
    this.#begin();
    const text = `${JSON.stringify(message)}\r\n`;
    if (this.#isFramed) this.#response.write(Buffer.concat([frameHeader('stderr', Buffer.byteLength(text)), Buffer.from(text)]));
    else this.#response.write(text);
  }

  /** In the frames of stdout, no faster than the client reads. */
  async sendBytes(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    this.#begin();
    const chunks = async function* chunks(): AsyncGenerator<OutputChunk> {
      // What is written may lie in the socket's queue while the next piece is made in the same place.
      for await (const piece of bytes) yield { stream: 'stdout', bytes: Buffer.from(piece) };
    };
    await sendOutput(this.#response, chunks(), true);
    if (this.#response.destroyed) throw fail('invalid', 'The client left in the middle of the output');
  }

  #begin(): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'Content-Type': this.#isFramed ? multiplexedStream : 'application/json' });
  }

  status(status: string, id?: string): void {
    this.send({ status, ...(id === undefined ? {} : { progressDetail: {}, id }) });
  }

  /** How far it is. Left away when it was told a moment ago, or when the client does not keep up. */
  progress(status: string, id: string, { current, total }: Progress): void {
    const now = performance.now();
    const key = `${status} ${id}`;
    if (now - (this.#toldAt.get(key) ?? 0) < pauseMs && current < total) return;
    if (this.#response.writableNeedDrain) return;
    this.#toldAt.set(key, now);
    this.send({ status, progressDetail: { current, total }, progress: barOf(current, total), id });
  }

  /** Runs `work`, and ends the answer. @throws its failure when nothing was sent before */
  async run(work: () => Promise<void>, { log, signal }: Pick<Call, 'log' | 'signal'>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) { // nobody reads any more
        this.#response.destroy();
        return;
      }
      if (!this.#response.headersSent) throw error;
      if (!isFail(error)) log.error({ err: error }, 'A bug: a stream of progress ended in an error that was not foreseen');
      const message = sentenceOf(error);
      this.send({ errorDetail: { message }, error: message });
    }
    this.#begin();
    this.#response.end();
  }
}

/** `[=====>     ]  1.2MB/3.4MB`, for clients that only print it. */
function barOf(current: number, total: number): string {
  const done = Math.min(barWidth, Math.floor((current / Math.max(total, 1)) * barWidth));
  return `[${'='.repeat(done)}>${' '.repeat(barWidth - done)}]  ${sizeText(current)}/${sizeText(total)}`;
}

/** Four digits, as Docker writes sizes. */
function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(4))}${units[power]}`;
}
