// The mounts of a container: what -v, --mount, --tmpfs and --volumes-from mean, from the request to the program that starts it.
export { changeMounts } from './change.ts';
export { copyUp } from './copy-up.ts';
export type { MountPoint } from './point.ts';
export { plannedHeld, plannedMounts, readyMounts, releaseVolumes, type ReadyMounts } from './ready.ts';
export { removeAnonymousVolumes } from './remove.ts';
export { resolveMounts } from './resolve.ts';
export { openMountView } from './view.ts';
