// The worker that unpacks one tar and ends. Its only ways to the world are the messages, and the descriptors of the directories that it fills.
import { parentPort, workerData } from 'node:worker_threads';
import { Fd } from '../kernel/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { runUnpackJob, type UnpackJob } from './unpack-job.ts';
import { asFailure } from './failure.ts';
import type { FromWorker, ToWorker, WorkerTask } from './unpack-messages.ts';

if (parentPort === null) throw new Error('unpack-worker runs as a worker');
const port = parentPort;
const task = workerData as WorkerTask;
const queue: ToWorker[] = [];
let wake = (): void => undefined;

port.on('message', (message: ToWorker) => {
  queue.push(message);
  wake();
});

async function* received(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0;;) {
    const message = queue.shift();
    if (message === 'end') return;
    if (message === 'stop') throw new Error('The engine stopped the work');
    if (message === undefined) await new Promise<void>((resolve) => { wake = resolve; });
    else {
      yield new Uint8Array(task.ring, at, message);
      at = (at + message) % task.ring.byteLength;
      tell(message);
    }
  }
}

function tell(message: FromWorker): void {
  port.postMessage(message);
}

function jobOf({ job }: WorkerTask): UnpackJob {
  const root = new Fd(job.root);
  return job.what === 'layer' ? { what: 'layer', root, frame: new Fd(job.frame) } : { ...job, root };
}

async function work(): Promise<void> {
  try {
    tell({ done: await runUnpackJob(received(), jobOf(task), true) });
  } catch (error) {
    tell({ failed: asFailure(explainDiskFull(error, task.path)) });
  }
  port.close();
}

void work();
