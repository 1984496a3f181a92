// The library: a container engine inside a program. No daemon, no socket: the engine of the daemon with a face for TypeScript.
//
//   import { openEngine } from 'estiva';
//   await using engine = await openEngine({ root: '/srv/jobs' });
//   await engine.load(createReadStream('busybox.tar'));
//   const { exitCode, stdout } = await engine.run('busybox', ['echo', 'hello']);
//
// Needs Linux, root, and Node 26 (which comes with the package: node_modules/.bin/node).
export type { BuildOptions, BuildProgress } from './build.ts';
export type { Container, ContainerChanges, ContainerOptions, ContainerState, ExecOptions, LogLine, LogsOptions, Output, RunOptions } from './container.ts';
export { EstivaError, type ErrorKind } from '../base/index.ts';
export type { CopyInOptions, FilesToCopy, ReadFileOptions } from './files.ts';
export type { OpenPort, Ports } from './ports.ts';
export type { MountRequest } from '../spec/docker/mount.ts';
export { openEngine, type Engine, type EngineOptions, type ImageSummary, type ImportOptions, type NetworkOptions, type NetworkSummary, type VolumeOptions, type VolumeSummary } from './engine.ts';
