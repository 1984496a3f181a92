// /dev: a fresh tmpfs (never the image's own), six nodes, the links that programs expect, and the console.
import { AT_SYMLINK_NOFOLLOW, MOVE_MOUNT_F_EMPTY_PATH, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE, type Op, type Step } from '../../kernel/index.ts';
import type { Device } from '../../spec/oci/runtime.ts';
import { jump, makeDirectories } from './jump.ts';

const AT_FDCWD = -100;
const S_IFREG = 0o100000;
const typeBits = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

/** What every container has. Source: OCI runtime spec, config-linux.md, "Default Devices". */
const defaultDevices: readonly Device[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0 },
];

const links = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
] as const;

/** Runs after /dev is mounted. The umask is 0. `mayExist`: a root that is used again has them already. */
export function deviceSteps(devices: readonly Device[], mayExist = false): readonly Step[] {
  return [...allOf(devices).flatMap((device) => (mayExist ? unlessThere(device) : makeDevice(device))), ...linkSteps];
}

function allOf(devices: readonly Device[]): readonly Device[] {
  return [...defaultDevices.filter((device) => !devices.some(({ path }) => path === device.path)), ...devices];
}

const linkSteps: readonly Op[] = [
  ...links.map(([target, path]): Op => ({ call: 'symlinkat', args: [target, AT_FDCWD, path], onError: 'ignore', why: `${path} → ${target}` })),
  { call: 'symlinkat', args: ['pts/ptmx', AT_FDCWD, '/dev/ptmx'], onError: 'ignore', why: 'terminals come from the container\'s own devpts' },
];

function unlessThere(device: Device): readonly Step[] {
  const ops = makeDevice(device);
  const there = `is there ${device.path}`;
  const done = `device ${device.path}`;
  return [
    ...ops.map((op): Op => (op.call === 'mknodat' ? { ...op, onError: { goto: there } } : op)),
    jump(done),
    { call: 'statx', args: [AT_FDCWD, device.path, AT_SYMLINK_NOFOLLOW, 0, { space: 'stat', sizeBytes: 256 }], label: there, why: `${device.path} cannot be made; it may be there already` },
    { label: done },
  ];
}

/** In a user namespace nobody makes devices: the host's are mounted over files. Taken hold of while the host is seen. */
export function deviceSources(devices: readonly Device[]): readonly Op[] {
  return allOf(devices).map(({ path }): Op => ({ call: 'open_tree', args: [AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], label: `source of device ${path}`, why: 'a device of the host' }));
}

export function boundDeviceSteps(devices: readonly Device[]): readonly Step[] {
  return [
    ...allOf(devices).flatMap(({ path }): readonly Op[] => [
      ...makeDirectories(path.slice(0, path.lastIndexOf('/')), 'the way to the device'),
      { call: 'mknodat', args: [AT_FDCWD, path, S_IFREG | 0o666, 0], onError: 'ignore', why: 'a file to mount on' },
      { call: 'move_mount', args: [{ resultOf: `source of device ${path}` }, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH], why: `${path} of the host` },
    ]),
    ...linkSteps,
  ];
}

function makeDevice(device: Device): readonly Op[] {
  const parent = device.path.slice(0, device.path.lastIndexOf('/'));
  const number = deviceNumber(device.major, device.minor);
  return [
    ...(parent === '/dev' ? [] : makeDirectories(parent, 'the way to the device')),
    { call: 'mknodat', args: [AT_FDCWD, device.path, typeBits[device.type] | (device.fileMode ?? 0o666), number], why: `${device.path} ${device.type} ${device.major}:${device.minor}` },
    ...(device.uid === undefined && device.gid === undefined ? [] : [{ call: 'fchownat', args: [AT_FDCWD, device.path, device.uid ?? 0, device.gid ?? 0, 0x100], why: 'its owner' } satisfies Op]),
  ];
}

/** Source: the kernel's new_encode_dev. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + major * 256 + Math.floor(minor / 256) * 2 ** 20;
}

