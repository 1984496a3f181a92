// Storage: everything that stays.
export { openStorage, type StorageOptions } from './open.ts';
export * from './storage.ts';
