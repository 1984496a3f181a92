export * from './brand.ts';
export * from './digest.ts';
export * from './errors.ts';
