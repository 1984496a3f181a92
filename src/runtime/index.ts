// The runtime: from an OCI configuration to a process, and the small process that stays with it.
export { explain } from './explain.ts';
export { launch, type LaunchFailure, type Launched, type LaunchResult } from './launch.ts';
export { planExec, type ExecSetting } from './plan/exec.ts';
export type { SeccompFilter } from './plan/process.ts';
export type { CgroupJoin, OverlayRoot, Root } from './plan/setting.ts';
export { planStart, type StartSetting } from './plan/start.ts';
export { LaunchError, launchApart, type ApartProcess } from './launch-apart.ts';
export { planCreate, points } from './plan/create.ts';
export { planEnter } from './plan/enter.ts';
export { planExternal, type ExternalSetting, type HeldMount } from './plan/external.ts';
export { bindLabel, heldByLauncher, heldSlot, mountNames } from './plan/mounts.ts';
export { rlimitArguments } from './plan/process.ts';
export { slots } from './plan/setting.ts';
export type { SecurityModules } from './plan/labels.ts';
export { Spool, type Taken } from './spool.ts';
export { connectSupervisor, readExits, removeExit, type LaunchAnswer, type Supervisor, type TaskStreams } from './supervisor/connect.ts';
export type { ExternalLaunch, TaskExit, TaskReport } from './supervisor/protocol.ts';
export { serveSupervisor } from './supervisor/serve.ts';
