// Images from within: the typed calls of Estiva's own endpoints.
import type { Exploration, ImageDifference, ImageTree } from '../spec/estiva/exploration.ts';
import type { Docker } from './docker.ts';
import { imagePath } from './images.ts';

export function exploreImage(docker: Docker, image: string, options: { readonly files: boolean; readonly duplicates: boolean }): Promise<Exploration> {
  return docker.json('GET', imagePath(image, '/estiva/layers'), { query: options });
}

export function imageDifferences(docker: Docker, before: string, after: string): Promise<readonly ImageDifference[]> {
  return docker.json('GET', imagePath(after, '/estiva/diff'), { query: { from: before } });
}

/** What a name leads to, down to the layers. */
export function imageTree(docker: Docker, image: string): Promise<ImageTree> {
  return docker.json('GET', imagePath(image, '/estiva/tree'));
}
