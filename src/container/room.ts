// What the verbs of containers share: a record of services and of what is live. No verb keeps anything else.
import type { Logger } from 'pino';
import type { ContainerId, SerialQueue } from '../base/index.ts';
import type { Cgroups, Readiness } from '../kernel/index.ts';
import type { Networks } from '../network/index.ts';
import type { Supervisor, TaskStreams } from '../runtime/index.ts';
import type { Storage } from '../storage/index.ts';
import type { Volumes } from '../volume/index.ts';
import type { LiveStep } from './build-step.ts';
import type { ExecRecord } from './container.ts';
import type { Happening } from './happening.ts';
import type { ContainerLog } from './log/index.ts';
import type { PendingAttachment } from './attach.ts';
import type { Copies } from './copies.ts';
import type { Runtimes } from './external/index.ts';
import type { Host } from './host.ts';
import type { ImagePort } from './ports.ts';
import type { Programs } from './programs.ts';
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
  /** A pause that is on its way: settled when everything stands still. */
  freezing: Promise<void> | undefined;
  /** Somebody asked for its end. */
  stopAsked: boolean;
  /** It is being ended to be started again: it is not removed in between. */
  restarts: boolean;
}

export interface LiveExec {
  record: ExecRecord;
  task: LiveTask | undefined;
}

export interface Room {
  readonly storage: Storage;
  readonly images: ImagePort;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly shelf: Shelf;
  readonly cgroups: Cgroups;
  readonly readiness: Readiness;
  readonly host: Host;
  readonly seccomp: SeccompFilters;
  readonly programs: Programs;
  readonly execPrograms: Programs;
  readonly runtimes: Runtimes;
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
  /** Steps of builds that run. */
  readonly steps: Map<string, LiveStep>;
  /** Work that follows an exit (its cgroup goes away): a verb that needs it done awaits it. */
  readonly aftermath: Map<string, Promise<void>>;
  /** Restarts that wait for their delay; disposing gives one up. */
  readonly restarts: Map<string, Disposable>;
  /** How long the last restart by a policy waited, in milliseconds. */
  readonly delays: Map<string, number>;
  /** Health checks that are being made; disposing ends them. */
  readonly monitors: Map<string, Disposable>;
  /** A prune is at work. */
  isPruning: boolean;
  /** Clients that attached before the start. */
  readonly pending: Map<string, Set<PendingAttachment>>;
  /** Who reads or writes files of containers. */
  readonly copies: Copies;
  queueOf(id: ContainerId): SerialQueue;
}

/** The program of a container whose state says that there is one. */
export function taskOf(room: Room, id: ContainerId): LiveTask {
  const task = room.live.get(id);
  if (task === undefined) throw new Error(`Container ${id} has a process that nobody holds`);
  return task;
}

export function cgroupPathOf(id: string, parent: string): string {
  return `${parent === '' ? '/estiva' : parent.startsWith('/') ? parent : `/${parent}`}/${id}`;
}
