// Containers that another OCI runtime runs: a program like runc or crun, which gets a bundle and makes the process. All else stays as it is: the
// supervisor holds streams and takes the exit, the cgroup is ours, and so the kernel freezes, limits and counts without asking anybody.
export { forgetExternal, signalExternal } from './commands.ts';
export { externalExec, type ExternalExec } from './exec.ts';
export { externalFailure } from './failure.ts';
export { ownRuntime, Runtimes, type ExternalRuntime, type RuntimeSettings } from './runtimes.ts';
export { externalStart } from './start.ts';
