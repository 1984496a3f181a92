// Namespaces and clone3(2): flags by name and the argument structures. Source: linux/sched.h, clone3(2), namespaces(7).
import type { Argument, Struct } from './program.ts';

export const CLONE = {
  VM: 0x100, FILES: 0x400, VFORK: 0x4000, PIDFD: 0x1000, PARENT: 0x8000, PARENT_SETTID: 0x100000, CLEAR_SIGHAND: 0x100000000, INTO_CGROUP: 0x200000000,
  NEWNS: 0x20000, NEWCGROUP: 0x2000000, NEWUTS: 0x4000000, NEWIPC: 0x8000000, NEWUSER: 0x10000000, NEWPID: 0x20000000, NEWNET: 0x40000000, NEWTIME: 0x80,
} as const;

export const namespaceFlags = {
  pid: CLONE.NEWPID, network: CLONE.NEWNET, mount: CLONE.NEWNS, ipc: CLONE.NEWIPC, uts: CLONE.NEWUTS, user: CLONE.NEWUSER, cgroup: CLONE.NEWCGROUP, time: CLONE.NEWTIME,
} as const;

/** The file under /proc/PID/ns/. */
export const namespaceFiles = { pid: 'pid', network: 'net', mount: 'mnt', ipc: 'ipc', uts: 'uts', user: 'user', cgroup: 'cgroup', time: 'time' } as const;

const SIGCHLD = 17;

/** `struct clone_args`, 88 bytes. `flags` may use 33 bits. The child runs on `stack`, apart from ours: it shares our memory until execve. */
export function cloneArguments(options: { readonly flags: number; readonly pidfd: Argument; readonly pid: Argument; readonly stack: Argument; readonly stackBytes: number; readonly cgroup?: Argument }): Struct {
  const struct = new Uint8Array(88);
  const view = new DataView(struct.buffer);
  view.setBigUint64(0, BigInt(options.flags), true);
  view.setBigUint64(32, BigInt(SIGCHLD), true);
  view.setBigUint64(48, BigInt(options.stackBytes), true);
  return { struct, pointers: { 8: options.pidfd, 24: options.pid, 40: options.stack, ...(options.cgroup === undefined ? {} : { 80: options.cgroup }) } };
}
