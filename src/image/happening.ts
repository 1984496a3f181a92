// What happens to images, told as it has happened: after the change is stored, never before. The kinds are Docker's event actions.
import type { Digest } from '../base/index.ts';

export interface ImageHappening {
  readonly kind: 'delete' | 'import' | 'load' | 'save' | 'tag' | 'untag';
  readonly id: Digest;
  /** The tag that was given (`tag`); otherwise Docker names the image by its id. */
  readonly name: string;
  /** Empty when the image is gone. */
  readonly labels: Readonly<Record<string, string>>;
}
