// Kernel parameters that a container may set: those of a namespace of its own. All others are the whole machine's. Pure.
// Source of the list: namespaces(7), ipc_namespaces(7), and what dockerd 28.5 takes.
import { fail } from '../../base/index.ts';
import type { HostConfig } from '../../spec/docker/container.ts';

const sharedMemoryNames = new Set(['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced']);

/** @throws `invalid` naming the parameter. */
export function checkSysctls({ Sysctls, NetworkMode, IpcMode }: HostConfig): void {
  for (const name of Object.keys(Sysctls ?? {})) {
    const isSound = /^[\w-]+(\.[\w-]+)+$/.test(name);
    const isNetworks = name.startsWith('net.');
    const isIpcs = sharedMemoryNames.has(name) || name.startsWith('fs.mqueue.');
    if (!isSound || !(isNetworks || isIpcs)) throw fail('invalid', `sysctl "${name.slice(0, 100)}" is not in a separate kernel namespace`, { hint: 'A container may set net.*, fs.mqueue.* and the shared memory limits of kernel.*' });
    if ((isNetworks && NetworkMode === 'host') || (isIpcs && IpcMode === 'host')) throw fail('invalid', `sysctl "${name}" not allowed in host ${isNetworks ? 'network' : 'ipc'} namespace`);
  }
}
