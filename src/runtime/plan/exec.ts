// The plan of one more process in a running container.
//
// The launcher sets the pid namespace for its children to the container's, clones, and sets it back: the new process is the launcher's child and
// the container's at once. The child then joins the container's other namespaces through its pidfd.
import { CLONE, type Step } from '../../kernel/index.ts';
import type { Process } from '../../spec/oci/runtime.ts';
import { cloneFrame } from './clone.ts';
import { pipeSteps, processSteps, type SeccompFilter } from './process.ts';
import { slots, type CgroupJoin } from './setting.ts';
import { cgroupJoin } from './start.ts';
import { terminalSteps } from './terminal.ts';

export interface ExecSetting {
  readonly cgroup?: CgroupJoin | undefined;
  readonly seccompFilter?: SeccompFilter | undefined;
  readonly shareMemory: boolean;
  /** Sum of CLONE_NEW… flags: which of the first process's namespaces to join. The pid namespace is always joined. */
  readonly namespaces: number;
}

export function planExec(process: Process, setting: ExecSetting): readonly Step[] {
  return cloneFrame([
    ...cgroupJoin(setting.cgroup),
    { call: 'setns', args: [{ slot: slots.init }, setting.namespaces], why: 'into the container: its mounts, network, names' },
    ...(process.terminal === true ? terminalSteps({ size: process.consoleSize, uid: process.user.uid }) : pipeSteps(process.user.uid)),
    ...processSteps(process, { ...setting, makeDirectory: false }),
  ], {
    flags: 0,
    shareMemory: setting.shareMemory,
    before: [{ call: 'setns', args: [{ slot: slots.init }, CLONE.NEWPID], why: 'children from here on are born in the container\'s pid namespace', label: 'enter', onError: { goto: 'parent' } }],
    after: [{ call: 'setns', args: [{ slot: slots.ownPidNamespace }, CLONE.NEWPID], why: 'and from here on in our own again', onError: 'ignore' }],
  });
}
