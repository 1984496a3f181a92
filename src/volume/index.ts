// Volumes: data that stays when containers go.
export * from './volume.ts';
export { openVolumes, type VolumesOptions } from './open.ts';
