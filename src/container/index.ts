// Containers: what runs.
export * from './container.ts';
export type { CommitOptions, FileChange, PathArchive, PathStat, WriteArchiveOptions } from './file-verbs.ts';
export type { Happening } from './happening.ts';
export type { ContainerSize } from './size.ts';
export type { ProcessTable } from './top.ts';
export type { StatsLook, StatsSample, StatsWatcher } from './stats.ts';
export { openContainers, type ContainersOptions } from './open.ts';
export type { BuildStep, BuildStepEnd, RunInStep, StepLimits, StepMount } from './build-step.ts';
export type { StepTerminal } from './build-terminal.ts';
export type { ImageCommit, ImagePort } from './ports.ts';
export type { RuntimeSettings } from './external/index.ts';
export { isUp } from './state.ts';
export { resolveUser } from './user.ts';
