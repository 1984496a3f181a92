// What the verbs of containers share: a record of services and of what is live. No verb keeps anything else.
import type { Logger } from 'pino';
import type { ContainerId } from '../base/index.ts';
import type { Cgroups, Readiness } from '../kernel/index.ts';
import type { Supervisor, TaskStreams } from '../runtime/index.ts';
import type { Storage } from '../storage/index.ts';
import type { ExecRecord } from './container.ts';
import type { Happening } from './happening.ts';
import type { ContainerLog } from './log/index.ts';
import type { PendingAttachment } from './attach.ts';
import type { Host } from './host.ts';
import type { ImagePort } from './ports.ts';
import type { SerialQueue } from './queue.ts';
import type { SeccompFilters } from './seccomp.ts';
import type { Shelf } from './shelf.ts';
import type { Streams } from './streams/index.ts';
import type { Waiters } from './waiters.ts';

/** A program that runs: a container's first, or an exec's. */
export interface LiveTask {
  readonly pid: number;
  /** Our copies of its descriptors; the streams own all but the pidfd. */
  readonly fds: TaskStreams;
  readonly streams: Streams;
  /** Resolves when its exit has been recorded. */
  readonly exited: PromiseWithResolvers<void>;
}

export interface LiveExec {
  record: ExecRecord;
  task: LiveTask | undefined;
}

export interface Room {
  readonly storage: Storage;
  readonly images: ImagePort;
  readonly shelf: Shelf;
  readonly cgroups: Cgroups;
  readonly readiness: Readiness;
  readonly host: Host;
  readonly seccomp: SeccompFilters;
  readonly runDir: string;
  readonly log: Logger;
  /** Says what has happened, to whoever keeps the events. */
  readonly tell: (happening: Happening) => void;
  /** Logs of containers that were written or read since the daemon came up. */
  readonly logs: Map<string, ContainerLog>;
  /** Replaced when the supervisor died and another took its place. */
  supervisor: Supervisor;
  /** Settled unless a new supervisor is on its way: who launches waits for it. */
  supervised: Promise<void>;
  readonly waiters: Waiters;
  readonly live: Map<string, LiveTask>;
  readonly execs: Map<string, LiveExec>;
  /** Work that follows an exit (its cgroup goes away): a verb that needs it done awaits it. */
  readonly aftermath: Map<string, Promise<void>>;
  /** Clients that attached before the start. */
  readonly pending: Map<string, Set<PendingAttachment>>;
  queueOf(id: ContainerId): SerialQueue;
}

export function cgroupPathOf(id: string, parent: string): string {
  return `${parent === '' ? '/estiva' : parent.startsWith('/') ? parent : `/${parent}`}/${id}`;
}
