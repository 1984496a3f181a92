// What the engine's thread and a packing worker say to each other. The bytes lie in a ring of sheets in shared memory. The worker says how many bytes
// of the next sheet are written; the engine counts the sheets that it has read in `control`, and the worker waits there when all are full.
import type { Failure } from './failure.ts';
import type { PackJob } from './pack-job.ts';

export interface PackTask {
  readonly job: PackJob<number>;
  readonly ring: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

/** A number: so many bytes are in the next sheet. */
export type FromPacker = number | { readonly done: true } | { readonly failed: Failure };

export const sheetBytes = 1 << 20;
export const sheetCount = 8;
/** Places in `control`. */
export const controls = { sheetsRead: 0, isStopped: 1, length: 2 } as const;
