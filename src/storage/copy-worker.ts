// The worker that copies one tree and ends. Its only ways to the world are the descriptors of the two directories.
import { parentPort, workerData } from 'node:worker_threads';
import { Fd } from '../kernel/index.ts';
import type { CopyTask, FromCopier } from './copy-messages.ts';
import { TreeCopy } from './copy-tree.ts';
import { explainDiskFull } from './disk-full.ts';
import { asFailure } from './failure.ts';

if (parentPort === null) throw new Error('copy-worker runs as a worker');
const port = parentPort;
const task = workerData as CopyTask;
const progress = new Float64Array(task.progress);
const stop = new Int32Array(task.stop);

function run(): FromCopier {
  try {
    const copy = new TreeCopy(({ entries, bytes }) => {
      progress[0] = entries;
      progress[1] = bytes;
      if (Atomics.load(stop, 0) !== 0) throw new Error('It was asked to end');
    });
    return { done: copy.run(new Fd(task.from), new Fd(task.to)) };
  } catch (error) {
    return { failed: asFailure(explainDiskFull(error, task.path)) };
  }
}

tell(run());
port.close();

function tell(message: FromCopier): void {
  port.postMessage(message);
}
