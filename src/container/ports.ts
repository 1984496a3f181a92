// What containers ask of images. The engine plugs it in.
import type { Digest } from '../base/index.ts';
import type { ImageConfig } from '../spec/oci/image.ts';

export interface ImagePort {
  /** @throws `not_found` "No such image: x:latest". */
  get(nameOrId: string): { readonly id: Digest; readonly config: ImageConfig; readonly layers: readonly Digest[] };
}
