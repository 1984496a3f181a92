// What the verbs of volumes share: a record of services and of what is live. No verb keeps anything else.
import { SerialQueue, type ContainerId } from '../base/index.ts';
import type { VolumeTrees } from '../storage/index.ts';
import type { VolumeShelf } from './shelf.ts';
import type { VolumeHappening, VolumeUser } from './volume.ts';

export interface Room {
  readonly shelf: VolumeShelf;
  readonly trees: VolumeTrees;
  /** How many hold a volume, by name. */
  readonly holds: Map<string, number>;
  /** Who has a volume's files mounted, or is about to: by name. */
  readonly users: Map<string, Set<ContainerId>>;
  /** How many read a volume's files as a whole (a clone, an export), by name. */
  readonly readers: Map<string, number>;
  /** One for each volume that something happens to. */
  readonly queues: Map<string, SerialQueue>;
  /** Containers whose records name it. */
  readonly usersOf: (name: string) => readonly VolumeUser[];
  readonly tell: (happening: VolumeHappening) => void;
}

/** Runs `work` when nobody else is at the volume: two verbs never see it half-changed. */
export async function alone<T>({ queues }: Room, name: string, work: () => Promise<T>): Promise<T> {
  const queue = queues.get(name) ?? new SerialQueue();
  queues.set(name, queue);
  try {
    return await queue.run(work);
  } finally {
    if (queue.isIdle && queues.get(name) === queue) queues.delete(name);
  }
}

/** Ids of those that keep the volume from being removed; '' stands for a container that is being made with it. */
export function keepersOf({ usersOf, users, holds }: Room, name: string): readonly string[] {
  const ids = new Set<string>([...usersOf(name).map(({ containerId }) => containerId), ...users.get(name) ?? []]);
  return (holds.get(name) ?? 0) > 0 && ids.size === 0 ? [''] : [...ids];
}
