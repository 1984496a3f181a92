// A stream of JSON messages about work that goes on: pull, push, load. The answer's head goes out with the first of them; until then a failure is an
// answer of its own, afterwards one more message, as in dockerd. What changes all the time is told ten times a second, to a client that reads.
import type { ServerResponse } from 'node:http';
import { isFail } from '../base/index.ts';
import type { ProgressMessage } from '../spec/docker/image.ts';
import { sentenceOf } from './answer.ts';
import type { Call } from './call.ts';

const pauseMs = 100;
const barWidth = 50;

export interface Progress {
  readonly current: number;
  readonly total: number;
}

export class ProgressAnswer {
  readonly #response: ServerResponse;
  readonly #toldAt = new Map<string, number>();

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  send(message: ProgressMessage): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'Content-Type': 'application/json' });
    this.#response.write(`${JSON.stringify(message)}\r\n`);
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
    if (!this.#response.headersSent) this.#response.writeHead(200, { 'Content-Type': 'application/json' });
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
