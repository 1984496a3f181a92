// Storage: everything that stays.
export { explainDiskFull } from './disk-full.ts';
export { openStorage } from './open.ts';
export { makeOwnDirectory } from './own-directory.ts';
export * from './storage.ts';
