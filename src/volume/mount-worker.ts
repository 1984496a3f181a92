// The worker that makes one mount and ends. The mount is the whole process's: threads share their mount namespace.
import { parentPort, workerData } from 'node:worker_threads';
import { mountNow, type HostMount } from '../kernel/index.ts';

export type MountTask = HostMount;

if (parentPort !== null) {
  parentPort.postMessage(mountNow(workerData as MountTask), []);
  parentPort.close();
}
