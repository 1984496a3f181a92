// Storage: everything that stays.
export { openStorage } from './open.ts';
export * from './storage.ts';
