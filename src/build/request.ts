// What a build is asked for besides the Dockerfile: everything that decides what its instructions mean.
import type { ImageConfig, Platform } from '../spec/oci/image.ts';

export interface BuildRequest {
  readonly buildArgs: ReadonlyMap<string, string>;
  /** The name or number of a stage; undefined: the last one. */
  readonly target: string | undefined;
  /** What the image is for. */
  readonly platform: Platform;
  /** What this machine is. */
  readonly buildPlatform: Platform;
  /** What is known of images, by `imageKey`; of one that is not here nothing is known. */
  readonly images: ReadonlyMap<string, ImageConfig>;
  /** Whether a word names a signal: the kernel's room knows. */
  readonly isSignal: (word: string) => boolean;
}
