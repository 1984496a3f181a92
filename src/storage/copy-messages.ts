// What the engine's thread and a copying worker say to each other. How far it is, and whether it should go on, lie in shared memory.
import type { CopyProgress } from './copy-tree.ts';
import type { Failure } from './failure.ts';

export interface CopyTask {
  /** Descriptors of both directories. */
  readonly from: number;
  readonly to: number;
  /** Where `to` lies, for messages. */
  readonly path: string;
  /** Float64: entries, bytes. */
  readonly progress: SharedArrayBuffer;
  /** Int32: 1 asks the worker to end. */
  readonly stop: SharedArrayBuffer;
}

export type FromCopier = { readonly done: CopyProgress } | { readonly failed: Failure };
