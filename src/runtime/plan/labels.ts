// What the kernel's security modules shall make of the program: written before, it comes true at its execve. It goes through the host's /proc,
// which is still the one that is seen. Source: the AppArmor and SELinux documents on /proc/PID/attr.
import type { Step } from '../../kernel/index.ts';
import type { Process } from '../../spec/oci/runtime.ts';
import { writeFile } from './jump.ts';

/** Which modules this kernel has in force. */
export interface SecurityModules {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

export function labelSteps({ apparmorProfile, selinuxLabel }: Pick<Process, 'apparmorProfile' | 'selinuxLabel'>, modules: SecurityModules): readonly Step[] {
  return [
    ...(isGiven(apparmorProfile) && modules.apparmor ? writeFile('/proc/self/attr/apparmor/exec', `exec ${apparmorProfile}`, 'its AppArmor profile') : []),
    ...(isGiven(selinuxLabel) && modules.selinux ? writeFile('/proc/self/attr/exec', selinuxLabel, 'its SELinux label') : []),
  ];
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
