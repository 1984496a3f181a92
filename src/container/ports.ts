// What containers ask of images. The engine plugs it in.
import type { Digest } from '../base/index.ts';
import type { ImageConfig, ImageRunConfig, Platform } from '../spec/oci/image.ts';

/** An image to be: a layer on top of others. */
export interface ImageCommit {
  readonly parent: Digest;
  /** Those below, lowest first. */
  readonly layers: readonly Digest[];
  readonly platform: Platform;
  readonly config: ImageRunConfig;
  /** Dockerfile instructions that alter `config`. */
  readonly changes: readonly string[];
  readonly author: string;
  readonly message: string;
  readonly createdBy: string;
  readonly reference: string | undefined;
  readonly signal: AbortSignal;
}

export interface ImagePort {
  /** @throws `not_found` "No such image: x:latest"; also when it is not here for `platform`: clients then pull. */
  get(nameOrId: string, platform?: Platform): { readonly id: Digest; readonly config: ImageConfig; readonly layers: readonly Digest[] };
  /** Checks all words at once; what it gives takes the layer's tar and makes the image. @throws `invalid` for a bad name or change. */
  prepareCommit(commit: ImageCommit): (tar: AsyncIterable<Uint8Array>) => Promise<Digest>;
}
