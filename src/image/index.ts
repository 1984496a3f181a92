// Images: what containers are made from.
export type { ImageHappening } from './happening.ts';
export { builtInHello } from './hello/index.ts';
export * from './image.ts';
export { openImages, type OpenedImages } from './open.ts';
export type { ImageUse } from './ports.ts';
