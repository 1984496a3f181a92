// history: the steps of an image's configuration, with what is known here of each: the size of its layer, and the image that it was the last step of.
import type { Digest } from '../base/index.ts';
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

export function historyOf(image: ImageRecord, storage: Storage, store: ImageStore): readonly HistoryStep[] {
  const layers = [...image.config.rootfs.diff_ids];
  const steps = (image.config.history ?? []).map((step) => {
    const diffId = step.empty_layer === true ? undefined : layers.shift();
    return { ...step, sizeBytes: diffId === undefined ? 0 : storage.snapshots.layer(diffId)?.sizeBytes ?? 0 };
  });
  let ends: ImageRecord | undefined = image;
  return steps.toReversed().map(({ created, created_by: createdBy = '', comment = '', sizeBytes }) => {
    const is = ends;
    ends = is?.parent === undefined ? undefined : store.image(is.parent);
    const repoTags = is === undefined ? [] : store.namesOf(is.id).filter((name) => name.digest === undefined).map(familiarReference).sort();
    return { imageId: is?.id, repoTags, createdAt: created === undefined ? undefined : new Date(created), createdBy, comment, sizeBytes };
  });
}
