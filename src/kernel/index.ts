// The only door to Linux. Other rooms import from here: calls, programs, descriptors, paths, processes, cgroups, seccomp.
export { call, tryCall, syscallNumber, type CallArgument } from './call.ts';
export * from './error.ts';
export * from './fd.ts';
export * from './path.ts';
export { hostArchitecture, stubCode, type Architecture } from './stub.ts';
export type { SyscallName } from './syscalls.ts';
