// The Docker Engine API as typed functions over one small transport. Works against Estiva's daemon and against dockerd.
export { build, buildImage, checkBuild, openBuildSession, pruneBuildCache, type BuildImageOptions, type BuildOptions } from './builds.ts';
export * from './connect.ts';
export { contextOfDirectory, deliverContext, directoryAsContext, packContext, textEntry, type ContextDoor, type ContextSource } from './context/index.ts';
export * from './containers.ts';
export { DaemonError, isDaemonError, openDocker, type CallOptions, type Docker, type Hijacked } from './docker.ts';
export * from './demultiplex.ts';
export { watchEvents } from './events.ts';
export { exploreImage, imageDifferences, imageTree } from './explore.ts';
export * from './execs.ts';
export * from './files.ts';
export { parseHost, type Host, type TlsSettings } from './host.ts';
export * from './images.ts';
export { StreamError } from './messages.ts';
export * from './networks.ts';
export * from './registries.ts';
export { statsOf, watchStats } from './stats.ts';
export * from './system.ts';
export * from './volumes.ts';
