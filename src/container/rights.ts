// What the programs of a container may do, and who of them may look into a process that is on its way in.
import { readlinkSync } from 'node:fs';
import type { HostConfig } from '../spec/docker/container.ts';
import type { ContainerRecord } from './container.ts';
import { chooseCapabilities } from './oci/capabilities.ts';
import type { Room } from './room.ts';
import { hasProcess } from './state.ts';

export function capabilitiesOf(room: Room, hostConfig: HostConfig): readonly string[] {
  return chooseCapabilities({ privileged: hostConfig.Privileged, add: hostConfig.CapAdd ?? [], drop: hostConfig.CapDrop ?? [] }, room.host.capabilities);
}

/** The running containers in the pid namespace of process `pid` whose programs may trace others. The kernel is asked, not the records: names change hands. */
export function tracersBeside(room: Room, pid: number): readonly ContainerRecord[] {
  const tracers = room.shelf.list().filter(({ state, hostConfig }) => hasProcess(state) && capabilitiesOf(room, hostConfig).includes('CAP_SYS_PTRACE'));
  if (tracers.length === 0) return [];
  const namespace = pidNamespaceOf(pid);
  return tracers.filter(({ state }) => hasProcess(state) && pidNamespaceOf(state.pid) === namespace);
}

/** Undefined when the process is gone. */
function pidNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
