// The Docker Engine API as typed functions over one small transport. Works against Estiva's daemon and against dockerd.
export * from './containers.ts';
export { DaemonError, isDaemonError, openDocker, textOf, type Docker, type DockerOptions, type Hijacked } from './docker.ts';
export * from './demultiplex.ts';
export * from './execs.ts';
export { parseHost, type Host } from './host.ts';
export type { Answer, Sink } from './http.ts';
export * from './images.ts';
export * from './system.ts';
