// Unpacks a layer in a worker thread, and feeds it. A layer that is wholly here after its first few megabytes is unpacked at once instead: a worker
// takes longer to start than such a layer takes to unpack. Those are not forced to disk either: that, too, is work for another thread, and the
// filesystem does it by itself within seconds.
import { Worker } from 'node:worker_threads';
import { again, fail } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import { unpackLayer, type UnpackedLayer } from './unpack-job.ts';
import type { Failure, FromWorker, ToWorker, WorkerTask } from './unpack-messages.ts';

const smallBytesMax = 4 << 20;
const ringBytes = 8 << 20;
// Beside this file in the sources; beside the bundle in what ships.
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './unpack-worker.ts' : './unpack-worker.cjs', import.meta.url);

/** `root` is taken over and closed. `path` is where it lies, for messages. @throws what unpackTree throws. */
export async function unpack(tar: AsyncIterable<Uint8Array>, root: Fd, path: string, signal: AbortSignal | undefined): Promise<UnpackedLayer> {
  const source = tar[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let firstBytes = 0;
  let isWhole = false;
  try {
    while (!isWhole && firstBytes <= smallBytesMax) {
      signal?.throwIfAborted();
      const next = await source.next();
      isWhole = next.done === true;
      if (next.done === true) break;
      first.push(next.value);
      firstBytes += next.value.length;
    }
  } catch (error) {
    root[Symbol.dispose]();
    throw error;
  }
  const whole = again(first, source);
  return isWhole ? unpackLayer(whole, root, false, signal) : new Feeder(root, path).run(whole, signal);
}

class Feeder {
  readonly #worker: Worker;
  readonly #result = Promise.withResolvers<UnpackedLayer>();
  readonly #ring = new Uint8Array(new SharedArrayBuffer(ringBytes));
  #at = 0;
  #free = ringBytes;
  #isOver = false;
  #wake = (): void => undefined;

  constructor(root: Fd, path: string) {
    const task: WorkerTask = { rootFd: root.number, ring: this.#ring.buffer, path };
    this.#worker = new Worker(workerFile, { workerData: task, execArgv: ['--disable-warning=ExperimentalWarning'] });
    root.release();
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#settle(() => this.#result.reject(error)));
    this.#worker.on('exit', (code) => this.#settle(() => this.#result.reject(new Error(`The unpacking worker ended without a result (${code})`))));
    // It is awaited only after the feeding; a failure that comes first is no unhandled one.
    this.#result.promise.catch(() => undefined);
  }

  async run(tar: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<UnpackedLayer> {
    try {
      for await (const chunk of tar) {
        signal?.throwIfAborted();
        if (this.#isOver) break;
        await this.#send(chunk);
      }
    } catch (error) {
      this.#tell('stop');
      // The tree must be still before the caller removes it.
      await this.#result.promise.catch(() => undefined);
      throw error;
    }
    this.#tell('end');
    return this.#result.promise;
  }

  async #send(chunk: Uint8Array): Promise<void> {
    for (let sent = 0; sent < chunk.length && !this.#isOver;) {
      const length = Math.min(chunk.length - sent, this.#free, ringBytes - this.#at);
      if (length > 0) {
        this.#ring.set(chunk.subarray(sent, sent + length), this.#at);
        this.#at = (this.#at + length) % ringBytes;
        this.#free -= length;
        sent += length;
        this.#tell(length);
      } else await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message, []);
  }

  #receive(message: FromWorker): void {
    if (typeof message === 'number') {
      this.#free += message;
      this.#wake();
    } else if ('done' in message) this.#settle(() => this.#result.resolve(message.done));
    else this.#settle(() => this.#result.reject(errorOf(message.failed)));
  }

  #settle(settle: () => void): void {
    this.#isOver = true;
    settle();
    this.#wake();
  }
}

function errorOf({ kind, message, hint, stack }: Failure): Error {
  const error = kind === undefined ? new Error(message) : fail(kind, message, hint === undefined ? {} : { hint });
  if (stack !== undefined) error.stack = stack;
  return error;
}
