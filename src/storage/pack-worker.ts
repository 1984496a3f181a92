// The worker that packs one tar and ends. Its only ways to the world are the messages, and the descriptors of the directories that it reads.
import { parentPort, workerData } from 'node:worker_threads';
import { Fd } from '../kernel/index.ts';
import { asFailure } from './failure.ts';
import { runPackJob, type PackJob } from './pack-job.ts';
import { controls, sheetBytes, sheetCount, type FromPacker, type PackTask } from './pack-messages.ts';

if (parentPort === null) throw new Error('pack-worker runs as a worker');
const port = parentPort;
const task = workerData as PackTask;
const ring = new Uint8Array(task.ring);
const control = new Int32Array(task.control);
let sheetsWritten = 0;

/** Waits while all sheets are full. */
function takeSheet(length: number): Uint8Array {
  if (length > 0) {
    tell(length);
    sheetsWritten++;
  }
  for (;;) {
    if (Atomics.load(control, controls.isStopped) !== 0) throw new Error('Nobody reads on');
    const read = Atomics.load(control, controls.sheetsRead);
    if (sheetsWritten - read < sheetCount) break;
    Atomics.wait(control, controls.sheetsRead, read);
  }
  const at = (sheetsWritten % sheetCount) * sheetBytes;
  return ring.subarray(at, at + sheetBytes);
}

function tell(message: FromPacker): void {
  port.postMessage(message);
}

function jobOf({ job }: PackTask): PackJob {
  return job.what === 'layer' ? { ...job, dir: new Fd(job.dir), frame: new Fd(job.frame) } : { ...job, dir: new Fd(job.dir) };
}

try {
  runPackJob(jobOf(task), takeSheet);
  tell({ done: true });
} catch (error) {
  tell({ failed: asFailure(error) });
}
port.close();
