// What went through the links of a process's network namespace.
// Source: proc_pid_net(5), /proc/PID/net/dev: two lines of heads, then a line a link, eight counters of what it has received and eight of what it has sent.
import { readFileSync } from 'node:fs';

/** Counted since the link was made. */
export interface LinkCounts {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

export interface LinkFigures {
  readonly name: string;
  readonly received: LinkCounts;
  readonly sent: LinkCounts;
}

/** Without loopback. Undefined when there is no such process. */
export function readLinkFigures(pid: number): readonly LinkFigures[] | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/dev`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return undefined;
    throw error;
  }
  return parseLinkFigures(text);
}

export function parseLinkFigures(text: string): readonly LinkFigures[] {
  return text.split('\n').slice(2).filter((line) => line.includes(':')).map((line) => {
    const at = line.lastIndexOf(':');
    const counters = line.slice(at + 1).trim().split(/\s+/).map(Number);
    return { name: line.slice(0, at).trim(), received: countsOf(counters.slice(0, 4)), sent: countsOf(counters.slice(8, 12)) };
  }).filter(({ name }) => name !== 'lo');
}

function countsOf([bytes = 0, packets = 0, errors = 0, dropped = 0]: readonly number[]): LinkCounts {
  return { bytes, packets, errors, dropped };
}
