// Where a container's cgroup is, and which devices it may use whatever else is asked for.
import { fail } from '../base/index.ts';
import { openCgroups, type Cgroups } from '../kernel/index.ts';
import type { DeviceRule, Resources } from '../spec/oci/runtime.ts';

/** For containers whose configuration names no place, or a relative one. */
const ownParent = '/estiva-runtime';

/** Whoever deletes the last container takes the parent away: nobody stays to do it. */
export function openGroups(): Cgroups {
  return openCgroups({ parent: ownParent.slice(1) });
}

/**
 * The path within the trees. Systemd's form `slice:prefix:name` becomes the place where systemd would put it, made directly: `system.slice:docker:x`
 * is `/system.slice/docker-x.scope`, and `a-b.slice` lies in `a.slice`.
 */
export function cgroupPathOf(cgroupsPath: string | undefined, id: string, systemd: boolean): string {
  if (cgroupsPath === undefined || cgroupsPath === '') return `${ownParent}/${id}`;
  const parts = cgroupsPath.split(':');
  if (parts.length === 3 && !cgroupsPath.startsWith('/')) return systemdPath(parts[0]!, parts[1]!, parts[2]!);
  if (systemd) throw fail('invalid', `linux.cgroupsPath: expected the form "slice:prefix:name" with --systemd-cgroup, not ${JSON.stringify(cgroupsPath)}`);
  return cgroupsPath.startsWith('/') ? cgroupsPath.replaceAll(/\/+/g, '/').replace(/\/$/, '') : `${ownParent}/${cgroupsPath}`;
}

function systemdPath(slice: string, prefix: string, name: string): string {
  const unit = name.endsWith('.slice') ? name : `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  return `${slicePath(slice === '' ? 'system.slice' : slice)}/${unit}`;
}

/** `a-b-c.slice` → `/a.slice/a-b.slice/a-b-c.slice`. Source: systemd.slice(5). */
function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  if (!/^[^/-][^/]*\.slice$/.test(slice) || slice.includes('--')) throw fail('invalid', `linux.cgroupsPath: ${JSON.stringify(slice)} is no name of a slice`);
  const names = slice.slice(0, -'.slice'.length).split('-');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('-')}.slice`).join('');
}

/** The devices that every container has, terminals of its own, and making nodes at all: what the specification's default devices need. */
const always: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' }, { allow: true, type: 'b', access: 'm' },
  ...([[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 2]] as const).map(([major, minor]): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** Rules that deny do not deny those. */
export function withDefaultDevices(resources: Resources | undefined): Resources {
  const rules = resources?.devices ?? [];
  const allowsAll = rules.findLast(({ type = 'a' }) => type === 'a')?.allow ?? true;
  return allowsAll ? resources ?? {} : { ...resources, devices: [...rules, ...always] };
}
