// top: the processes of a container, as the host's `ps` shows them, whatever arguments it is given. A host without `ps` has its default columns all
// the same, read from /proc.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fail } from '../base/index.ts';
import { readProcess, type ProcessFacts } from '../kernel/index.ts';
import type { ContainerRecord } from './container.ts';
import { cgroupPathOf, type Room } from './room.ts';
import { hasProcess } from './state.ts';

export interface ProcessTable {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

const defaultArguments = '-ef';
const psTimeoutMs = 10_000;
const psBytesMax = 16 * 1024 * 1024;

/** @throws `conflict` when it does not run; `invalid` for arguments that ps refuses, or without the column PID. */
export async function topContainer(room: Room, record: ContainerRecord, psArguments: string): Promise<ProcessTable> {
  const wanted = psArguments === '' ? defaultArguments : psArguments;
  refuseRenamedPid(wanted);
  if (record.state.status === 'restarting') throw fail('conflict', `Container ${record.id} is restarting, wait until the container is running`);
  if (!hasProcess(record.state)) throw fail('conflict', `container ${record.id} is not running`);
  const pids = room.cgroups.pids(cgroupPathOf(record.id, record.hostConfig.CgroupParent));
  const output = await psOutput(wanted.split(' '), pids);
  if (output === undefined && wanted !== defaultArguments) {
    throw fail('unsupported', `Cannot run "ps ${wanted.slice(0, 200)}": this machine has no ps`, { hint: 'Install it (on Debian: apt-get install procps), or leave the arguments away' });
  }
  const table = output === undefined ? ownTable(pids) : parsePs(output, new Set(pids));
  room.tell({ kind: 'top', container: record });
  return table;
}

/** Under another name the column would not be found, or another would be taken for it. */
function refuseRenamedPid(psArguments: string): void {
  for (const [, key = '', value = ''] of psArguments.matchAll(/\s+(\S*)=\s*(PID\S*)/g)) {
    if (key !== 'pid') throw fail('invalid', `specifying "${key}=${value}" is not allowed`);
  }
}

/** Undefined when there is no ps. Some arguments (forests) cannot be had together with a list of processes: then all are asked for. */
async function psOutput(words: readonly string[], pids: readonly number[]): Promise<string | undefined> {
  const listed = await runPs([...words, `-q${pids.join(',')}`]);
  if (listed === undefined || listed.failure === undefined) return listed?.output;
  const all = await runPs(words);
  if (all?.failure !== undefined) throw fail('invalid', all.failure, { hint: 'These are the arguments of the host\'s ps' });
  return all?.output;
}

interface PsRun {
  readonly output: string;
  /** Why it failed: its first line of complaint. */
  readonly failure: string | undefined;
}

function runPs(words: readonly string[]): Promise<PsRun | undefined> {
  return new Promise((resolve) => {
    execFile('ps', words, { timeout: psTimeoutMs, maxBuffer: psBytesMax, encoding: 'utf8' }, (error, output, complaint) => {
      if (error?.code === 'ENOENT') resolve(undefined);
      else resolve({ output, failure: error === null ? undefined : complaint.split('\n', 1)[0] || `ps: ${error.message}` });
    });
  });
}

/** The last column may have blanks in it. */
export function parsePs(output: string, pids: ReadonlySet<number>): ProcessTable {
  const [head = '', ...lines] = output.split('\n');
  const titles = wordsOf(head);
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) throw fail('invalid', 'Couldn\'t find PID field in ps output', { hint: 'Ask for that column, too: -o pid,…' });
  let isShown = false;
  const processes = lines.map(wordsOf).filter((words) => {
    // A thread's line has "-" there, and belongs to the process above it.
    if (words[pidColumn] !== '-') isShown = pids.has(Number(words[pidColumn]));
    return words.length > 0 && isShown;
  });
  return { titles, processes: processes.map((words) => [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(' ')]) };
}

function wordsOf(line: string): readonly string[] {
  return line.split(/[ \t\r\f\v]+/).filter((word) => word !== '');
}

/** What `ps -ef` shows. */
export function ownTable(pids: readonly number[]): ProcessTable {
  const now = new Date();
  const found = pids.map(readProcess).filter((facts) => facts !== undefined);
  const users = new Map(found.map(({ uid }) => [uid, userName(uid)]));
  return {
    titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    processes: found.map((facts) => [users.get(facts.uid)!, String(facts.pid), String(facts.parentPid), String(cpuShare(facts, now)), startInWords(facts.startedAt, now), facts.terminal ?? '?', clock(facts.cpuMs), facts.command]),
  };
}

function userName(uid: number): string {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((line) => line.split(':', 3)[2] === String(uid));
  return line?.split(':', 1)[0] ?? String(uid);
}

/** Percent of its life that it has run, at most 99. */
function cpuShare({ cpuMs, startedAt }: ProcessFacts, now: Date): number {
  return Math.min(99, Math.floor((cpuMs * 100) / Math.max(1, now.getTime() - startedAt.getTime())));
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (number: number): string => String(number).padStart(2, '0');

/** The time of a start within the last day, the day of one before, the year of one long ago. */
function startInWords(at: Date, now: Date): string {
  if (now.getTime() - at.getTime() < 24 * 3_600_000) return `${two(at.getHours())}:${two(at.getMinutes())}`;
  return at.getFullYear() === now.getFullYear() ? `${months[at.getMonth()]}${two(at.getDate())}` : String(at.getFullYear());
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
