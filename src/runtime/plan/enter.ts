// The plan of one more process in a container, by a launcher that does not stay (see create.ts for the two parts).
//
// The capsule enters the container's namespaces from outside and becomes what the program shall be; the process that the container sees is born
// only then, with the program's own rights: whoever may trace in there finds nothing worth it.
import { CLONE, type Op } from '../../kernel/index.ts';
import type { Process } from '../../spec/oci/runtime.ts';
import { cloneFrame, handOver } from './clone.ts';
import { becomeRoot, points, type ApartPlan } from './create.ts';
import { tell, waitForLauncher } from './jump.ts';
import { labelSteps, type SecurityModules } from './labels.ts';
import { become, execute, findProgram, type SeccompFilter } from './process.ts';
import { refuseLabels } from './refuse.ts';
import { affinitySteps, schedulingSteps } from './scheduling.ts';
import { slots, type CgroupJoin } from './setting.ts';
import { cgroupJoin } from './start.ts';
import { sessionSteps, terminalSteps } from './terminal.ts';

export interface EnterSetting {
  readonly cgroup?: CgroupJoin | undefined;
  readonly seccompFilter?: SeccompFilter | undefined;
  /** Sum of CLONE_NEW… flags: those of the container's first process that are not the launcher's. */
  readonly namespaces: number;
  readonly preservedDescriptors: number;
  readonly keyring?: string | undefined;
  readonly securityModules: SecurityModules;
}

/** @throws EstivaError `unsupported` or `invalid`, naming the field. */
export function planEnter(process: Process, setting: EnterSetting): ApartPlan {
  refuseLabels(process, setting.securityModules);
  const terminal = process.terminal === true;
  const withUser = Math.floor(setting.namespaces / CLONE.NEWUSER) % 2 === 1;
  return {
    outer: cloneFrame(handOver([slots.error, slots.go, slots.init, ...(terminal ? [slots.consoleSocket, slots.consoleMaster] : [])], setting.preservedDescriptors), { flags: 0, shareMemory: true }),
    inner: [
      ...affinitySteps(process.execCPUAffinity?.initial, 'on the way'),
      ...schedulingSteps(process),
      ...cgroupJoin(setting.cgroup),
      ...affinitySteps(process.execCPUAffinity?.final, 'from here on'),
      ...labelSteps(process, setting.securityModules),
      ...(setting.keyring === undefined ? [] : [{ call: 'keyctl', args: [1, setting.keyring], why: 'the container\'s session keyring' } satisfies Op]),
      ...(setting.namespaces === 0 ? [] : [{ call: 'setns', args: [{ slot: slots.init }, setting.namespaces], why: 'into the container' } satisfies Op]),
      ...(withUser ? becomeRoot : []),
      ...(terminal ? terminalSteps({ size: process.consoleSize, uid: process.user.uid }) : []),
      ...become(process, { seccompFilter: setting.seccompFilter, makeDirectory: false, keptDescriptors: setting.preservedDescriptors, limitedFromOutside: withUser, scoreInherited: true }),
      ...findProgram(process),
      ...(withUser ? waitForLauncher(points.limits, 'limits that only the host\'s root can set') : []),
      { call: 'clone', args: [CLONE.PARENT, 0, 0, 0, 0], label: points.born, onPositive: { goto: 'told' }, why: 'the process that the container sees' },
      ...sessionSteps(terminal),
      ...execute(process),
      { ...tell(points.born, 'the launcher is told who it is'), label: 'told' },
      { call: 'exit_group', args: [0], why: 'the one from outside is done' },
    ],
  };
}
