// What happens to images, told as it has happened: after the change is stored, never before. The kinds are Docker's event actions.
import type { Digest } from '../base/index.ts';

export type ImageHappening = OneImage | { readonly kind: 'prune'; readonly reclaimedBytes: number };

interface OneImage {
  readonly kind: 'delete' | 'import' | 'load' | 'pull' | 'push' | 'save' | 'tag' | 'untag';
  /** `pull`, `push`: the reference. */
  readonly id: Digest | string;
  /** The tag that was given (`tag`); the repository (`pull`, `push`); otherwise Docker names the image by its id. */
  readonly name: string;
  /** Empty when the image is gone. */
  readonly labels: Readonly<Record<string, string>>;
}
