// What is mounted where, and how it spreads. Source: proc_pid_mountinfo(5), mount_namespaces(7).
import { readFileSync } from 'node:fs';

export interface MountInfo {
  readonly point: string;
  readonly isShared: boolean;
  readonly isSlave: boolean;
}

export function readMountinfo(): readonly MountInfo[] {
  return parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

export function parseMountinfo(text: string): readonly MountInfo[] {
  return text.split('\n').filter((line) => line !== '').map((line) => {
    const fields = line.split(' ');
    const optional = fields.slice(6, fields.indexOf('-'));
    return {
      point: (fields[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
      isShared: optional.some((tag) => tag.startsWith('shared:')), isSlave: optional.some((tag) => tag.startsWith('master:')),
    };
  });
}

/** The mount that holds `path` (absolute, without links): the one whose place is its longest part; of several at one place the last. */
export function mountHolding(path: string, mounts: readonly MountInfo[]): MountInfo {
  const holding = mounts.filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`));
  return holding.reduce((best, mount) => (mount.point.length >= best.point.length ? mount : best), { point: '/', isShared: false, isSlave: false });
}
