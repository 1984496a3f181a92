// The only door to Linux. Other rooms import from here: calls, programs, descriptors, paths, processes, cgroups, seccomp.
export { call, tryCall, syscallNumber, type CallArgument } from './call.ts';
export { staticElf } from './elf.ts';
export * from './error.ts';
export * from './fd.ts';
export * from './path.ts';
export { Arena, type Loadable } from './arena.ts';
export * from './capability.ts';
export * from './cgroup/index.ts';
export * from './clone.ts';
export * from './message.ts';
export * from './mount.ts';
export * from './process.ts';
export * from './program.ts';
export * from './pty.ts';
export * from './readiness.ts';
export * from './seccomp/index.ts';
export { hostArchitecture, stubCode, type Architecture } from './stub.ts';
export type { SyscallName } from './syscalls.ts';
