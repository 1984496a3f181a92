// From what a Dockerfile means to an image.
export { build, type BuildOrder, type BuildRoom, type Built } from './build.ts';
export { BuildCache, type CacheRecord } from './cache.ts';
export { CacheMounts, type CacheMountRecord } from './cache-mounts.ts';
export type { SentOutput } from './output.ts';
export { BuildFailure } from './failure.ts';
export { Flights } from './flights.ts';
export type { BuildHappening } from './happening.ts';
export type { BaseImage, BuildPorts, NewImage, RunEnd, RunMount, RunRequest, StepLimits } from './ports.ts';
