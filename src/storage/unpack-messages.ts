// What the engine's thread and an unpacking worker say to each other. The bytes themselves go through a ring of shared memory, used over and over:
// fresh memory for each chunk costs the kernel more than all the rest. Each side knows its place; the messages say how many bytes are there, and
// how many are free again.
import type { Failure } from './failure.ts';
import type { UnpackedLayer } from './unpack-job.ts';
import type { CopyRules, Unpacked } from './unpack.ts';

/** Handed over at the start. Descriptors are the whole process's: the worker takes over these. */
export interface WorkerTask {
  readonly job: { readonly what: 'layer'; readonly root: number; readonly frame: number } | { readonly what: 'copy'; readonly root: number; readonly rules: CopyRules };
  readonly ring: SharedArrayBuffer;
  /** For the sentence about a full disk. */
  readonly path: string;
}

/** A number: so many more bytes are in the ring, in one piece. */
export type ToWorker = number | 'end' | 'stop';
/** A number: so many bytes are taken out. */
export type FromWorker = number | { readonly done: Unpacked | UnpackedLayer } | { readonly failed: Failure };
