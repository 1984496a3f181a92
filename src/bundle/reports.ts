// state, list, ps: what there is, as text or JSON.
import { fail } from '../base/index.ts';
import { openGroups } from './cgroup.ts';
import type { StateDirectory, StateRecord } from './state.ts';
import { statusOf } from './status.ts';

/** The specification's state, and what runc tells besides. */
export function stateOf(states: StateDirectory, record: StateRecord): object {
  const status = statusOf(states, record);
  return {
    ociVersion: record.ociVersion, id: record.id, pid: status === 'stopped' ? 0 : record.pid, status, bundle: record.bundle, rootfs: record.rootfs,
    created: record.created, ...(record.annotations === undefined ? {} : { annotations: record.annotations }), owner: '',
  };
}

export function listText(states: StateDirectory, format: string, quiet: boolean): string {
  const records = states.ids().map((id) => states.load(id));
  if (quiet) return records.map(({ id }) => `${id}\n`).join('');
  if (format === 'json') return `${JSON.stringify(records.map((record) => stateOf(states, record)))}\n`;
  const rows = records.map((record) => {
    const status = statusOf(states, record);
    return [record.id, status === 'stopped' ? '0' : String(record.pid), status, record.bundle, record.created, 'root'];
  });
  return table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column]! + 3)).join('').trimEnd()}\n`).join('');
}

/** `options` are ps(1)'s own. The container's processes are those of its cgroup. */
export async function psText(record: StateRecord, format: string, options: readonly string[]): Promise<string> {
  using cgroups = openGroups();
  const pids = cgroups.pids(record.cgroupPath);
  if (format === 'json') return `${JSON.stringify(pids)}\n`;
  if (format !== 'table') throw fail('invalid', `invalid format option: ${JSON.stringify(format)}`, { hint: 'One of table, json' });
  const { spawnSync } = await import('node:child_process');
  const { stdout, error, status } = spawnSync('ps', options.length === 0 ? ['-ef'] : [...options], { encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw fail('unavailable', 'Cannot run ps', { cause: error });
  const [head = '', ...lines] = stdout.split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw fail('invalid', 'couldn\'t find PID field in ps output', { hint: 'Ask ps for the pid, too' });
  const known = new Set(pids.map(String));
  return [head, ...lines.filter((line) => known.has(line.trim().split(/\s+/)[column] ?? ''))].map((line) => `${line}\n`).join('');
}
