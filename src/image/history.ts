// history: the steps of an image's configuration, with what is known here of each: the size of its layer, and the image that it was the last step of.
import type { Digest } from '../base/index.ts';
import type { HistoryEntry, ImageConfig } from '../spec/oci/image.ts';
import type { Storage } from '../storage/index.ts';
import { familiarReference } from '../spec/reference.ts';
import type { ImageRecord, ImageStore } from './store.ts';

export interface HistoryStep {
  /** Undefined: no image here ends with this step. */
  readonly imageId: Digest | undefined;
  readonly repoTags: readonly string[];
  readonly createdAt: Date | undefined;
  readonly createdBy: string;
  readonly comment: string;
  readonly sizeBytes: number;
}

/** The configuration's steps, oldest first, each with the layer that it made. */
export function stepsOf({ history = [], rootfs }: ImageConfig): readonly (HistoryEntry & { readonly diffId: Digest | undefined })[] {
  const layers = [...rootfs.diff_ids];
  return history.map((step) => ({ ...step, diffId: step.empty_layer === true ? undefined : layers.shift() }));
}

export function historyOf(image: ImageRecord, storage: Storage, store: ImageStore): readonly HistoryStep[] {
  const steps = stepsOf(image.config).map((step) => ({ ...step, sizeBytes: step.diffId === undefined ? 0 : storage.snapshots.layer(step.diffId)?.sizeBytes ?? 0 }));
  let ends: ImageRecord | undefined = image;
  return steps.toReversed().map(({ created, created_by: createdBy = '', comment = '', sizeBytes }) => {
    const is = ends;
    ends = is?.parent === undefined ? undefined : store.image(is.parent);
    const repoTags = is === undefined ? [] : store.namesOf(is.id).filter((name) => name.digest === undefined).map(familiarReference).sort();
    return { imageId: is?.id, repoTags, createdAt: created === undefined ? undefined : new Date(created), createdBy, comment, sizeBytes };
  });
}
