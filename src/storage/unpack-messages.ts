// What the engine's thread and an unpacking worker say to each other. Bytes flow under a window: the worker tells how many it has taken.
import type { ErrorKind } from '../base/index.ts';
import type { UnpackedLayer } from './unpack-job.ts';

/** Handed over at the start. Descriptors are the whole process's: the worker takes over this one. */
export interface WorkerTask {
  readonly rootFd: number;
  /** For the sentence about a full disk. */
  readonly path: string;
}

export type ToWorker = { readonly chunk: Uint8Array } | 'end' | 'stop';
export type FromWorker = { readonly taken: number } | { readonly done: UnpackedLayer } | { readonly failed: Failure };

/** An error as a value: classes do not survive the way between threads. */
export interface Failure {
  /** Absent: not foreseen. */
  readonly kind: ErrorKind | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}
