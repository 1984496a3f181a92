// What images ask of containers. The engine plugs it in; without containers nothing is in use.
import type { ContainerId, Digest } from '../base/index.ts';

export interface ImageUse {
  readonly containerId: ContainerId;
  readonly running: boolean;
}

export interface ImagePorts {
  /** A container made from the image: a running one, if there is one. */
  imageInUse(id: Digest): ImageUse | undefined;
  /** The layers under all containers: they stay even when their image was removed by force. */
  layersInUse(): Iterable<Digest>;
}
