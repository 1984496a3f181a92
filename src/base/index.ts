export * from './again.ts';
export * from './brand.ts';
export * from './clock.ts';
export * from './digest.ts';
export * from './errors.ts';
export * as decode from './decode.ts';
export * from './moment.ts';
export * from './spent.ts';
export * from './time.ts';
