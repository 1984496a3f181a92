// Copies a tree in a worker thread. What is small is copied at once instead: a worker takes longer to start than that takes. How large it is shows only
// in the copying: what turns out to be large is begun again in a worker.
import { Worker } from 'node:worker_threads';
import { O, openIn, type Fd } from '../kernel/index.ts';
import type { CopyTask, FromCopier } from './copy-messages.ts';
import { TreeCopy, type CopyProgress } from './copy-tree.ts';
import { explainDiskFull } from './disk-full.ts';
import { errorOf } from './failure.ts';
import { namesIn } from './listing.ts';
import { removeTree } from './remove-tree.ts';

/** Together the bound of how long everything else waits for a copy that is made at once. */
const smallEntriesMax = 200;
const smallBytesMax = 1 << 20;
const progressMs = 100;
// Beside this file in the sources; beside the bundle in what ships.
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './copy-worker.ts' : './copy-worker.cjs', import.meta.url);

export interface CopyOptions {
  /** Ends the copying; what is there by then is the caller's to remove. */
  readonly signal?: AbortSignal | undefined;
  /** Hears how far it is, a few times a second. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/** As TreeCopy.run; both directories are the caller's, and nobody works in them any more at the end. `path`: where `to` lies, for messages. @throws as TreeCopy.run; the signal's reason */
export async function copyTree(from: Fd, to: Fd, path: string, options: CopyOptions = {}): Promise<CopyProgress> {
  options.signal?.throwIfAborted();
  // Whoever gives it may have it open for its path only.
  using source = openIn(from, '.', O.RDONLY | O.DIRECTORY, 'plain');
  const small = copyNow(source, to, path);
  if (small !== undefined) return small;
  await emptyDirectory(to);
  return await copyInWorker(source, to, path, options);
}

export function isEmptyDirectory(dir: Fd): boolean {
  return namesIn(dir).length === 0;
}

/** Removes all that is in it. @throws KernelError */
export async function emptyDirectory(dir: Fd): Promise<void> {
  for (const name of namesIn(dir)) await removeTree(dir, name);
}

/** Undefined when it is not small. */
function copyNow(from: Fd, to: Fd, path: string): CopyProgress | undefined {
  const copy = new TreeCopy(({ entries, bytes }) => {
    if (entries > smallEntriesMax || bytes > smallBytesMax) throw new NotSmall();
  });
  try {
    return copy.run(from, to);
  } catch (error) {
    if (error instanceof NotSmall) return undefined;
    throw explainDiskFull(error, path);
  }
}

class NotSmall extends Error {}

async function copyInWorker(from: Fd, to: Fd, path: string, { signal, onProgress }: CopyOptions): Promise<CopyProgress> {
  const task: CopyTask = { from: from.number, to: to.number, path, progress: new SharedArrayBuffer(16), stop: new SharedArrayBuffer(4) };
  const progress = new Float64Array(task.progress);
  const worker = new Worker(workerFile, { workerData: task, execArgv: ['--disable-warning=ExperimentalWarning'], resourceLimits: { maxYoungGenerationSizeMb: 3 } });
  const stop = (): void => { Atomics.store(new Int32Array(task.stop), 0, 1); };
  const timer = setInterval(() => { onProgress?.({ entries: progress[0]!, bytes: progress[1]! }); }, progressMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const answer = await answerOf(worker);
    signal?.throwIfAborted();
    if ('failed' in answer) throw errorOf(answer.failed);
    return answer.done;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** When it has ended: the descriptors are no longer its own. */
async function answerOf(worker: Worker): Promise<FromCopier> {
  const { promise, resolve, reject } = Promise.withResolvers<FromCopier>();
  let answer: FromCopier | undefined;
  worker.on('message', (message: FromCopier) => { answer = message; });
  worker.on('error', reject);
  worker.on('exit', (code) => (answer === undefined ? reject(new Error(`The copying worker ended without a result (${code})`)) : resolve(answer)));
  return promise;
}
