// Containers: what runs.
export * from './container.ts';
export type { Happening } from './happening.ts';
export type { ContainerSize } from './size.ts';
export type { ProcessTable } from './top.ts';
export type { StatsLook, StatsSample, StatsWatcher } from './stats.ts';
export { openContainers, type ContainersOptions } from './open.ts';
export type { ImagePort } from './ports.ts';
export { isUp } from './state.ts';
