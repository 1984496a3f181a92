// Unpacks a tar in a worker thread, and feeds it. One that is wholly here after its first few megabytes is unpacked at once instead: a worker
// takes longer to start than such a tar takes to unpack. Those are not forced to disk either: that, too, is work for another thread, and the
// filesystem does it by itself within seconds.
import { Worker } from 'node:worker_threads';
import { again } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { errorOf } from './failure.ts';
import { runUnpackJob, type UnpackedLayer, type UnpackJob } from './unpack-job.ts';
import type { FromWorker, ToWorker, WorkerTask } from './unpack-messages.ts';
import type { CopyRules, Unpacked } from './unpack.ts';

const smallBytesMax = 4 << 20;
const ringBytes = 2 << 20;
/** So many bytes are told of at once: a message costs more than copying 64 KiB. */
const batchBytes = 512 << 10;
const untoldMsMax = 2;
// Beside this file in the sources; beside the bundle in what ships.
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './unpack-worker.ts' : './unpack-worker.cjs', import.meta.url);

/** A piece of the tar is taken before the next is asked for. The job's directories are taken over and closed. `path` is where they lie, for messages. @throws what unpackTree throws. */
export async function unpack<J extends UnpackJob>(tar: AsyncIterable<Uint8Array>, job: J, path: string, signal: AbortSignal | undefined): Promise<J extends { what: 'layer' } ? UnpackedLayer : Unpacked> {
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
      // A copy: a source may use the memory of a piece again when the next is asked for.
      first.push(Buffer.from(next.value));
      firstBytes += next.value.length;
    }
  } catch (error) {
    closeJob(job);
    throw error;
  }
  const whole = again(first, source);
  const unpacked = await (isWhole ? runUnpackJob(whole, job, false, signal) : new Feeder(job, path).run(whole, signal));
  // What came back is what such a job gives.
  return unpacked as J extends { what: 'layer' } ? UnpackedLayer : Unpacked;
}

/** Unpacks a copy into a container's directory, which is taken over and closed. `path`: where its changes lie, for the sentence about a full disk. */
export async function unpackInto(dir: Fd, tar: AsyncIterable<Uint8Array>, rules: CopyRules, path: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await unpack(tar, { what: 'copy', root: dir, rules }, path, signal);
  } catch (error) {
    throw explainDiskFull(error, path);
  }
}

function closeJob(job: UnpackJob): void {
  job.root[Symbol.dispose]();
  if (job.what === 'layer') job.frame[Symbol.dispose]();
}

class Feeder {
  readonly #worker: Worker;
  readonly #result = Promise.withResolvers<Unpacked | UnpackedLayer>();
  readonly #ring = new Uint8Array(new SharedArrayBuffer(ringBytes));
  #at = 0;
  #free = ringBytes;
  /** Written, and not told of yet. */
  #untold = 0;
  #isOver = false;
  #wake = (): void => undefined;

  constructor(job: UnpackJob, path: string) {
    const named: WorkerTask['job'] = job.what === 'layer' ? { what: 'layer', root: job.root.number, frame: job.frame.number } : { ...job, root: job.root.number };
    const task: WorkerTask = { job: named, ring: this.#ring.buffer, path };
    this.#worker = new Worker(workerFile, { workerData: task, execArgv: ['--disable-warning=ExperimentalWarning'], resourceLimits: { maxYoungGenerationSizeMb: 3 } });
    job.root.release();
    if (job.what === 'layer') job.frame.release();
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#settle(() => this.#result.reject(error)));
    this.#worker.on('exit', (code) => this.#settle(() => this.#result.reject(new Error(`The unpacking worker ended without a result (${code})`))));
    // It is awaited only after the feeding; a failure that comes first is no unhandled one.
    this.#result.promise.catch(() => undefined);
  }

  async run(tar: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<Unpacked | UnpackedLayer> {
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
    this.#tellBytes();
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
        this.#untold += length;
        // What is told of lies in one piece.
        if (this.#untold >= batchBytes || this.#at === 0) this.#tellBytes();
        else if (this.#untold === length) setTimeout(() => this.#tellBytes(), untoldMsMax);
      } else {
        this.#tellBytes();
        await new Promise<void>((resolve) => { this.#wake = resolve; });
      }
    }
  }

  #tellBytes(): void {
    if (this.#untold > 0 && !this.#isOver) this.#tell(this.#untold);
    this.#untold = 0;
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
