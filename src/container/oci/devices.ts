// The devices of a container: what it finds in /dev, and what its cgroup lets it touch.
import { readdirSync, statSync, type Stats } from 'node:fs';
import { fail } from '../../base/index.ts';
import type { DeviceMapping } from '../../spec/docker/container.ts';
import type { Device, DeviceRule } from '../../spec/oci/runtime.ts';

/** Nothing, but: any node may be made; the usual ones, terminals and tun may be used. The list is Docker's. */
const defaultRules: readonly DeviceRule[] = [
  { allow: false, type: 'a', access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...([[1, 3], [1, 8], [1, 7], [5, 0], [1, 5], [1, 9], [5, 1], [136, undefined], [5, 2], [10, 200]] as const).map(([major, minor]): DeviceRule => (
    { allow: true, type: 'c', major, ...(minor === undefined ? {} : { minor }), access: 'rwm' })),
];

const everything: readonly DeviceRule[] = [{ allow: true, type: 'a', access: 'rwm' }];

export interface DeviceSetting {
  readonly devices: readonly Device[];
  readonly rules: readonly DeviceRule[];
}

/** Looks the host's devices up. @throws `invalid` for a path that is no device, or a rule that is none. */
export function chooseDevices(wish: { readonly privileged: boolean; readonly mappings: readonly DeviceMapping[]; readonly rules: readonly string[] }): DeviceSetting {
  if (wish.privileged) return { devices: hostDevices('/dev', '/dev'), rules: everything };
  const devices: Device[] = [];
  const rules = [...defaultRules];
  for (const { PathOnHost, PathInContainer, CgroupPermissions } of wish.mappings) {
    const access = CgroupPermissions === '' ? 'rwm' : CgroupPermissions;
    if (!/^[rwm]{1,3}$/.test(access)) throw fail('invalid', `invalid device mode: ${access}`);
    const found = devicesAt(PathOnHost, PathInContainer);
    devices.push(...found);
    for (const { type, major, minor } of found) rules.push({ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access });
  }
  return { devices, rules: [...rules, ...wish.rules.map(parseRule)] };
}

function devicesAt(hostPath: string, containerPath: string): readonly Device[] {
  const stat = statOrNothing(hostPath);
  if (stat === undefined) throw fail('invalid', `error gathering device information while adding custom device "${hostPath}": no such file or directory`);
  if (stat.isDirectory()) return hostDevices(hostPath, containerPath);
  const device = deviceOf(stat, containerPath);
  if (device === undefined) throw fail('invalid', `error gathering device information while adding custom device "${hostPath}": not a device node`);
  return [device];
}

/** Directories of /dev that are file systems of their own, made anew in a container. */
const ownFileSystems = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);
const madeAnew = new Set(['console', 'null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx']);

function hostDevices(hostDir: string, containerDir: string): readonly Device[] {
  const devices: Device[] = [];
  for (const entry of readdirSync(hostDir, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      if (!ownFileSystems.has(entry.name)) devices.push(...hostDevices(`${hostDir}/${entry.name}`, `${containerDir}/${entry.name}`));
    } else if ((entry.isCharacterDevice() || entry.isBlockDevice()) && !(hostDir === '/dev' && madeAnew.has(entry.name))) {
      const stat = statOrNothing(`${hostDir}/${entry.name}`);
      const device = stat === undefined ? undefined : deviceOf(stat, `${containerDir}/${entry.name}`);
      if (device !== undefined) devices.push(device);
    }
  }
  return devices;
}

function deviceOf(stat: Stats, path: string): Device | undefined {
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return undefined;
  return { type: stat.isBlockDevice() ? 'b' : 'c', path, ...deviceNumber(stat.rdev), fileMode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid };
}

/** Source: glibc's gnu_dev_major and gnu_dev_minor, for numbers that the kernel hands out (12 and 20 bits). */
export function deviceNumber(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}

function statOrNothing(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** `c 1:3 rwm`, `b *:* m`. */
function parseRule(text: string): DeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw fail('invalid', `invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access] = match;
  return {
    allow: true, type: type as 'a' | 'c' | 'b', access: access!,
    ...(major === '*' ? {} : { major: Number(major) }), ...(minor === '*' ? {} : { minor: Number(minor) }),
  };
}
