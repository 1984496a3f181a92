// Volumes: data that stays when containers go.
export * from './volume.ts';
export type { ImportOptions } from './archive.ts';
export { openVolumes, type VolumesOptions } from './open.ts';
