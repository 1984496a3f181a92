export * from './engine.ts';
export type * from '../container/index.ts';
export type * from '../image/index.ts';
