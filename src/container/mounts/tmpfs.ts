// A tmpfs: its options, of `--tmpfs` and of `--mount type=tmpfs`. Pure.
import { fail } from '../../base/index.ts';
import type { HostConfig } from '../../spec/docker/container.ts';
import type { MountRequest } from '../../spec/docker/mount.ts';
import { parseDestination, refuseKernelPlaces } from './destination.ts';
import type { TmpfsPoint } from './point.ts';

/** What every tmpfs begins with; the kernel takes the last word of a kind. */
const usual = ['noexec', 'nosuid', 'nodev'];

/** What the kernel's tmpfs takes, and what mount(8) says of every file system; dockerd's list. */
const words = new Set(['exec', 'noexec', 'suid', 'nosuid', 'dev', 'nodev', 'ro', 'rw', 'atime', 'noatime', 'diratime', 'nodiratime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime',
  'sync', 'async', 'dirsync', 'mand', 'nomand', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable', 'defaults', 'remount', 'bind', 'rbind']);
const settings = /^(size=\d+[kmg%]?|nr_blocks=\d+[kmg]?|nr_inodes=\d+[kmg]?|mode=[0-7]{1,4}|uid=\d+|gid=\d+|mpol=.+)$/i;

/** Those of --tmpfs. dockerd does not count them among the mounts that it tells of. @throws `invalid` for a place that is none or the kernel's own, and for options that a tmpfs does not have */
export function parseTmpfs({ Tmpfs }: Pick<HostConfig, 'Tmpfs'>): readonly TmpfsPoint[] {
  return Object.entries(Tmpfs ?? {}).map(([path, text]) => {
    const destination = parseDestination(path);
    refuseKernelPlaces(destination);
    const options = text.split(',').filter((word) => word !== '');
    const wrong = options.find((option) => !words.has(option) && !settings.test(option));
    if (wrong !== undefined) throw fail('invalid', `invalid tmpfs option ${JSON.stringify(wrong.slice(0, 100))}`);
    return { type: 'tmpfs', destination, mode: '', rw: true, options: [...usual, ...options] };
  });
}

/** dockerd lets these two through by this way. */
const requestWords = new Set(['exec', 'noexec']);

/** @throws `invalid` */
export function tmpfsOptionsOf({ ReadOnly, TmpfsOptions: { SizeBytes = 0, Mode = 0, Options = [] } = {} }: Pick<MountRequest, 'ReadOnly' | 'TmpfsOptions'>): readonly string[] {
  if (SizeBytes < 0) throw fail('invalid', `invalid size of a tmpfs: ${SizeBytes} bytes`);
  if (Mode < 0 || Mode > 0o7777) throw fail('invalid', `invalid mode of a tmpfs: 0${Mode.toString(8)}`);
  for (const [name = '', ...rest] of Options) {
    if (rest.length > 1) throw fail('invalid', 'invalid option array length');
    if (rest.length === 1 || !requestWords.has(name)) throw fail('invalid', `invalid option: ${name.slice(0, 100)}`);
  }
  return [...usual, ...(ReadOnly === true ? ['ro'] : []), ...(Mode === 0 ? [] : [`mode=${Mode.toString(8)}`]), ...(SizeBytes === 0 ? [] : [`size=${SizeBytes}`]), ...Options.flat()];
}
