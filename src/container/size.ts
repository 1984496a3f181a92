// What a container takes on the disk: the files that it wrote, and all that it sees.
import type { ContainerRecord } from './container.ts';
import type { Room } from './room.ts';

export interface ContainerSize {
  /** In the container's own layer. */
  readonly writtenBytes: number;
  /** With the image's layers below. */
  readonly rootBytes: number;
}

export async function sizeOf({ storage: { snapshots } }: Room, { id, layers }: ContainerRecord): Promise<ContainerSize> {
  const writtenBytes = await snapshots.writtenBytes(id);
  const imageBytes = layers.reduce((total, diffId) => total + (snapshots.layer(diffId)?.sizeBytes ?? 0), 0);
  return { writtenBytes, rootBytes: writtenBytes + imageBytes };
}
