// Images: what containers are made from.
export { helloImage, type BuiltInImage } from './built-in.ts';
export * from './image.ts';
export { openImages, type ImagesOptions } from './open.ts';
export type { ImagePorts, ImageUse } from './ports.ts';
