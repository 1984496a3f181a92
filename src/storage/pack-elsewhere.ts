// Packs in a worker thread, and reads what comes. What is small is packed at once instead: a worker takes longer to start than that takes. How large
// it is shows only in the packing: what turns out to be large is begun again in a worker.
import { Worker } from 'node:worker_threads';
import { type Fd } from '../kernel/index.ts';
import { errorOf, type Failure } from './failure.ts';
import { directoriesOf, runPackJob, type PackJob } from './pack-job.ts';
import { controls, sheetBytes, sheetCount, type FromPacker, type PackTask } from './pack-messages.ts';

/** Also the bound of what is packed at once, and so of how long everything else waits for it. */
const smallBytesMax = 512 * 1024;
// Beside this file in the sources; beside the bundle in what ships.
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './pack-worker.ts' : './pack-worker.cjs', import.meta.url);

/** A tar on its way out. Disposing ends the work, wherever it is. */
export interface PackedTar extends AsyncDisposable {
  /** Once. A piece is valid until the next one is asked for. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The job's directories are taken over and closed at the end. What cannot be packed fails here or in the reading. @throws as runPackJob. */
export function pack(job: PackJob): PackedTar {
  using undo = new DisposableStack();
  for (const dir of directoriesOf(job)) undo.use(dir);
  const small = packNow(job);
  if (small !== undefined) return { bytes: small, [Symbol.asyncDispose]: () => Promise.resolve() };
  undo.move();
  return new PackReader(job);
}

/** Undefined when it is not small: then it has more than one sheet. */
function packNow(job: PackJob): AsyncIterable<Uint8Array> | undefined {
  const sheet = new Uint8Array(smallBytesMax);
  let length = 0;
  try {
    runPackJob(job, (written) => {
      if (length > 0) throw new NotSmall();
      length = written;
      return sheet;
    });
  } catch (error) {
    if (error instanceof NotSmall) return undefined;
    throw error;
  }
  return one(sheet.subarray(0, length));
}

class NotSmall extends Error {}

// eslint-disable-next-line typescript/require-await -- a stream of one piece
async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

interface End {
  readonly failure?: Failure;
}

class PackReader implements PackedTar {
  readonly #worker: Worker;
  readonly #ring = new Uint8Array(new SharedArrayBuffer(sheetBytes * sheetCount));
  readonly #control = new Int32Array(new SharedArrayBuffer(controls.length * 4));
  readonly #exited = Promise.withResolvers<void>();
  readonly #lengths: number[] = [];
  readonly #dirs: readonly Fd[];
  #end: End | undefined;
  #wake = (): void => undefined;

  constructor(job: PackJob) {
    this.#dirs = directoriesOf(job);
    const named: PackJob<number> = job.what === 'layer' ? { ...job, dir: job.dir.number, frame: job.frame.number } : { ...job, dir: job.dir.number };
    const task: PackTask = { job: named, ring: this.#ring.buffer, control: this.#control.buffer };
    this.#worker = new Worker(workerFile, { workerData: task, execArgv: ['--disable-warning=ExperimentalWarning'] });
    this.#worker.on('message', (message: FromPacker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#settle({ failure: { kind: undefined, message: String(error), hint: undefined, stack: error instanceof Error ? error.stack : undefined } }));
    this.#worker.on('exit', () => {
      this.#settle({ failure: { kind: undefined, message: 'The packing worker ended without a result', hint: undefined, stack: undefined } });
      this.#exited.resolve();
    });
  }

  get bytes(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async* #read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let sheet = 0;; sheet++) {
      while (this.#lengths.length === 0 && this.#end === undefined) await new Promise<void>((resolve) => { this.#wake = resolve; });
      const length = this.#lengths.shift();
      if (length === undefined) break;
      const at = (sheet % sheetCount) * sheetBytes;
      yield this.#ring.subarray(at, at + length);
      Atomics.add(this.#control, controls.sheetsRead, 1);
      Atomics.notify(this.#control, controls.sheetsRead);
    }
    if (this.#end?.failure !== undefined) throw errorOf(this.#end.failure);
  }

  #receive(message: FromPacker): void {
    if (typeof message !== 'number') return this.#settle('failed' in message ? { failure: message.failed } : {});
    this.#lengths.push(message);
    return this.#wake();
  }

  #settle(end: End): void {
    this.#end ??= end;
    this.#wake();
  }

  /** The worker must be done with the descriptors before they are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#control, controls.isStopped, 1);
    Atomics.add(this.#control, controls.sheetsRead, 1);
    Atomics.notify(this.#control, controls.sheetsRead);
    await this.#exited.promise;
    for (const dir of this.#dirs) dir[Symbol.dispose]();
  }
}
