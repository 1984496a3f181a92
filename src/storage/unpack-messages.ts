// What the engine's thread and an unpacking worker say to each other. The bytes themselves go through a ring of shared memory, used over and over:
// fresh memory for each chunk costs the kernel more than all the rest. Each side knows its place; the messages say how many bytes are there, and
// how many are free again.
import type { ErrorKind } from '../base/index.ts';
import type { UnpackedLayer } from './unpack-job.ts';

/** Handed over at the start. Descriptors are the whole process's: the worker takes over this one. */
export interface WorkerTask {
  readonly rootFd: number;
  readonly ring: SharedArrayBuffer;
  /** For the sentence about a full disk. */
  readonly path: string;
}

/** A number: so many more bytes are in the ring, in one piece. */
export type ToWorker = number | 'end' | 'stop';
/** A number: so many bytes are taken out. */
export type FromWorker = number | { readonly done: UnpackedLayer } | { readonly failed: Failure };

/** An error as a value: classes do not survive the way between threads. */
export interface Failure {
  /** Absent: not foreseen. */
  readonly kind: ErrorKind | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}
