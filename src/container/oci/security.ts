// What `--security-opt` says, read. Pure, but for what it is told of the kernel. The api has seen to it that names are known and truths are truths.
import { fail } from '../../base/index.ts';
import type { HostConfig } from '../../spec/docker/container.ts';

/** Linux security modules that this kernel has. */
export interface SecurityModules {
  readonly appArmor: boolean;
  readonly seLinux: boolean;
}

export function hasNoNewPrivileges(options: readonly string[]): boolean {
  return isTrue(options, 'no-new-privileges');
}

/** Whether the container may change its own cgroups. */
export function hasWritableCgroups({ SecurityOpt, Privileged }: HostConfig): boolean {
  const isSaid = (SecurityOpt ?? []).some((option) => /^writable-cgroups\b/.test(option));
  return isSaid ? isTrue(SecurityOpt ?? [], 'writable-cgroups') : Privileged;
}

/** Of `seccomp=…`: the words `unconfined` and `builtin`, or a profile's JSON. */
export function seccompChoice(options: readonly string[], privileged: boolean): string {
  const chosen = options.findLast((option) => /^seccomp[=:]/.test(option))?.slice('seccomp='.length);
  return chosen ?? (privileged ? 'unconfined' : 'builtin');
}

/** The last one said counts; a name alone says yes. */
function isTrue(options: readonly string[], name: string): boolean {
  const said = options.findLast((option) => option === name || option.startsWith(`${name}=`) || option.startsWith(`${name}:`));
  return said !== undefined && (said === name || ['1', 't', 'true'].includes(said.slice(name.length + 1).toLowerCase()));
}

/** dockerd starts such a container without the protection that was asked for; here it is refused. @throws `unsupported` for a module that the kernel has not, or that is not applied here */
export function checkSecurityModules({ SecurityOpt }: HostConfig, modules: SecurityModules): void {
  for (const option of SecurityOpt ?? []) {
    const [, name, value = ''] = /^(apparmor|label)[=:](.*)$/.exec(option) ?? [];
    if (name === 'apparmor' && value !== 'unconfined') throw refusal(option, 'AppArmor', modules.appArmor, 'apparmor=unconfined');
    if (name === 'label' && value !== 'disable') throw refusal(option, 'SELinux', modules.seLinux, 'label=disable');
  }
}

function refusal(option: string, module: string, isThere: boolean, way: string): Error {
  const reason = isThere ? `${module} profiles are not applied yet` : `this kernel has no ${module}`;
  return fail('unsupported', `Cannot apply security option ${JSON.stringify(option.slice(0, 100))}: ${reason}`, { hint: `Leave it away, or say ${way}` });
}

/** As dockerd has it: nothing of the host's labels where the host's processes or memory are shared. */
export function withLabels({ SecurityOpt, Privileged, IpcMode, PidMode }: HostConfig): readonly string[] | null {
  const isLabelled = (SecurityOpt ?? []).some((option) => /^label[=:]/.test(option));
  return !isLabelled && (Privileged || IpcMode === 'host' || PidMode === 'host') ? [...SecurityOpt ?? [], 'label=disable'] : SecurityOpt;
}
