// The engine: images and containers under one roof.
export type * from '../container/index.ts';
export type * from '../event/index.ts';
export type * from '../image/index.ts';
export type { CreateNetworkRequest, NetworkRecord, Networks, SubnetUsage } from '../network/index.ts';
export type { Snapshot, VolumeHappening, VolumeRecord, Volumes, VolumeUser, VolumeWish } from '../volume/index.ts';
export { describeImage, registrySettings, type Credentials } from '../registry/index.ts';
export { BuildFailure, decodeRow as decodeContextRow, type BuildHappening } from '../build/index.ts';
export type { BuildWishes, CachedStep } from './building.ts';
export type { SentOutput } from '../build/index.ts';
export * from './engine.ts';
export { openEngine, type EngineOptions } from './open.ts';
export { supervisorCommand } from './supervisor-command.ts';
