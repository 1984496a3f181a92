// Images named as a cache (`cachefrom`), as dockerd's classic builder takes them: a step whose layers and history so far are the beginning of such an image's, and
// whose words are the next in that history, has the layer that the image has there. History says nothing of what RUN saw besides: who names an image vouches for it.
import type { Digest } from '../../base/index.ts';
import type { Made } from './flights.ts';
import type { BaseImage } from './ports.ts';
import type { BuildState } from './state.ts';

/** Undefined: none of them fits. */
export function foundInImages(images: readonly BaseImage[], state: BuildState, createdBy: string): Made | undefined {
  return images.map((image) => nextIn(image, state, createdBy)).find((made) => made !== undefined);
}

function nextIn({ config, layers }: BaseImage, state: BuildState, createdBy: string): Made | undefined {
  const history = config.history ?? [];
  const next = history[state.history.length];
  if (next?.created_by !== createdBy) return undefined;
  const isSame = state.history.every(({ created_by, empty_layer = false }, i) => history[i]?.created_by === created_by && (history[i]?.empty_layer ?? false) === empty_layer);
  if (!isSame || !state.layers.every((layer, i) => layer === layers[i])) return undefined;
  const layer: Digest | undefined = next.empty_layer === true ? undefined : layers[state.layers.length];
  // An image whose history does not tell of all its layers vouches for nothing.
  if (next.empty_layer !== true && layer === undefined) return undefined;
  return { layer, created: next.created ?? new Date(0).toISOString() };
}
