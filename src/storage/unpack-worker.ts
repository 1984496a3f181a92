// The worker that unpacks one layer and ends. Its only ways to the world are the messages, and the descriptor of the directory that it fills.
import { parentPort, workerData } from 'node:worker_threads';
import { isFail, messageOf } from '../base/index.ts';
import { Fd } from '../kernel/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { unpackLayer } from './unpack-job.ts';
import type { Failure, FromWorker, ToWorker, WorkerTask } from './unpack-messages.ts';

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

function asFailure(error: unknown): Failure {
  const explained = explainDiskFull(error, task.path);
  const isForeseen = isFail(explained);
  return {
    kind: isForeseen ? explained.kind : undefined, message: messageOf(explained), hint: isForeseen ? explained.hint : undefined,
    stack: explained instanceof Error ? explained.stack : undefined,
  };
}

async function work(): Promise<void> {
  try {
    tell({ done: await unpackLayer(received(), new Fd(task.rootFd), true) });
  } catch (error) {
    tell({ failed: asFailure(error) });
  }
  port.close();
}

void work();
