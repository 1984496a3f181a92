// The plan of one more process in a running container.
//
// The rule: the launcher sets the pid namespace for its children to the container's, clones, and sets it back: the new process is the launcher's
// child and the container's at once. The child then joins the container's other namespaces through its pidfd.
//
// Where somebody in the container may trace (CAP_SYS_PTRACE), that child would be their way out: for a moment it is all-powerful and has our root.
// There a go-between, born outside and seen by nobody, does everything, and as its last act makes the process that the container sees: one with
// the program's own rights and descriptors, whose memory holds its program only, and which is the launcher's child all the same (CLONE_PARENT).
import { CLONE, type Op, type Step } from '../../kernel/index.ts';
import type { Process } from '../../spec/oci/runtime.ts';
import { bornInPidNamespace, cloneFrame } from './clone.ts';
import { become, execute, pipeSteps, type SeccompFilter } from './process.ts';
import { slots, type CgroupJoin } from './setting.ts';
import { cgroupJoin } from './start.ts';
import { sessionSteps, terminalSteps } from './terminal.ts';

const MADV_DONTFORK = 10;
const pageBytes = 4096;

export interface ExecSetting {
  readonly cgroup?: CgroupJoin | undefined;
  readonly seccompFilter?: SeccompFilter | undefined;
  /** Whether a process that sees this one may trace it. */
  readonly watched: boolean;
  /** Sum of CLONE_NEW… flags: which of the first process's namespaces to join. The pid namespace is always joined. */
  readonly namespaces: number;
}

export function planExec(process: Process, setting: ExecSetting): readonly Step[] {
  const terminal = process.terminal === true;
  const session = sessionSteps(terminal);
  const inside = (namespaces: number): readonly Step[] => [
    ...cgroupJoin(setting.cgroup),
    { call: 'setns', args: [{ slot: slots.init }, namespaces], why: 'into the container: its mounts, network, names' },
    ...(terminal ? terminalSteps({ size: process.consoleSize, uid: process.user.uid }) : pipeSteps(process.user.uid)),
  ];
  const becoming = become(process, { ...setting, makeDirectory: false });
  if (setting.watched) return cloneFrame([...inside(setting.namespaces + CLONE.NEWPID), ...becoming, ...goBetween([...session, ...execute(process)])], { flags: 0, shareMemory: false });
  return cloneFrame([...inside(setting.namespaces), ...session, ...becoming, ...execute(process)], { flags: 0, shareMemory: true, ...bornInPidNamespace({ slot: slots.init }) });
}

/** clone(2), for filters that know no clone3 (Docker's): the first three arguments are the same on all processors. */
function goBetween(born: readonly Op[]): readonly Step[] {
  return [
    { call: 'madvise', args: [{ slot: slots.born }, pageBytes, MADV_DONTFORK], why: 'the page for its pid stays out of the container' },
    { call: 'clone', args: [CLONE.PARENT + CLONE.PARENT_SETTID, 0, { slot: slots.born }, 0, 0], onPositive: { goto: 'born' }, why: 'the process that the container sees' },
    ...born,
    { call: 'exit_group', args: [0], label: 'born', why: 'the go-between is done' },
  ];
}
