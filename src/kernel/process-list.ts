// Facts about processes, read from /proc. Source: proc_pid_stat(5), proc_pid_cmdline(5), proc_stat(5); tty numbers: admin-guide/devices.txt.
import { readFileSync, statSync } from 'node:fs';

export interface ProcessFacts {
  readonly pid: number;
  readonly parentPid: number;
  /** The user that it acts as. */
  readonly uid: number;
  /** `pts/0`; undefined: no terminal. */
  readonly terminal: string | undefined;
  readonly startedAt: Date;
  readonly cpuMs: number;
  /** Program and arguments; of a kernel thread or a zombie its name in brackets. */
  readonly command: string;
}

/** USER_HZ, the same on all architectures that we run on. */
const tickMs = 10;
const ptsMajors = { first: 136, last: 143 };

/** Undefined when the process is gone. */
export function readProcess(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const nameEnd = stat.lastIndexOf(')');
    // Field n of the manual page is number n - 3 here: the first is the state.
    const fields = stat.slice(nameEnd + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3]);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').replaceAll('\0', ' ');
    return {
      pid, parentPid: field(4), uid: statSync(`/proc/${pid}`).uid, terminal: terminalOf(field(7)), cpuMs: (field(14) + field(15)) * tickMs,
      startedAt: new Date(bootedAtMs() + field(22) * tickMs), command: command === '' ? `[${stat.slice(stat.indexOf('(') + 1, nameEnd)}]` : command,
    };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function terminalOf(device: number): string | undefined {
  if (device === 0) return undefined;
  const [major, minor] = [(device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00)];
  if (major >= ptsMajors.first && major <= ptsMajors.last) return `pts/${(major - ptsMajors.first) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : `${major}:${minor}`;
}

function bootedAtMs(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0) * 1000;
}
