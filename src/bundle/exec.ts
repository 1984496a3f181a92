// exec: one more process in a container.
import { readFileSync, readlinkSync } from 'node:fs';
import { fail } from '../base/index.ts';
import { capabilityNumber, namespaceFiles, namespaceFlags, type CgroupJoin, type Fd } from '../kernel/index.ts';
import { launchApart, planEnter, points, slots, type ApartProcess } from '../runtime/index.ts';
import { decodeProcess } from '../spec/oci/runtime-config.ts';
import type { NamespaceType, Process, Spec } from '../spec/oci/runtime.ts';
import { openGroups } from './cgroup.ts';
import { consoleSlots, keyringOf, launch, limitFromOutside, OomScore, seccompFilterOf, securityModules, terminalSlots } from './create.ts';
import type { Parsed } from './flags.ts';
import { hold } from './process.ts';
import type { StateDirectory, StateRecord } from './state.ts';
import { statusOf } from './status.ts';

export interface ExecOptions {
  readonly process: Process;
  readonly consoleSocket?: string | undefined;
  /** In place of a console socket: the terminal's outer end comes through this one. */
  readonly terminalSocket?: Fd | undefined;
  readonly preservedDescriptors: number;
  readonly ignorePaused: boolean;
  /** Below the container's own cgroup. */
  readonly subCgroup?: string | undefined;
}

/** The program runs when this returns. @throws EstivaError that says why it does not */
export async function exec(states: StateDirectory, record: StateRecord, options: ExecOptions): Promise<ApartProcess> {
  const status = statusOf(states, record);
  if (status === 'stopped') throw fail('conflict', 'cannot exec in a stopped container');
  if (status === 'paused' && !options.ignorePaused) throw fail('conflict', 'cannot exec in a paused container (use --ignore-paused to override)');
  using init = hold(record);
  if (init === undefined) throw fail('conflict', 'cannot exec in a stopped container');
  using opened = new DisposableStack();
  const { linux } = states.spec(record.id);
  const { process } = options;
  const namespaces = otherNamespaces(record.pid);
  const plan = planEnter(process, {
    cgroup: joinOf(record, options.subCgroup), seccompFilter: seccompFilterOf(execSeccomp(linux)), namespaces, preservedDescriptors: options.preservedDescriptors,
    keyring: keyringOf(record.id), securityModules: securityModules(),
  });
  const terminal = options.terminalSocket === undefined ? consoleSlots(process, options.consoleSocket, opened) : terminalSlots(options.terminalSocket, opened);
  using _score = new OomScore(process.oomScoreAdj);
  return await launch(process, () => launchApart({
    plan, fill: new Map([...terminal, [slots.init, init.number]]),
    reached: (point, _result, pid) => {
      if (point === points.limits) limitFromOutside(process, pid);
    },
  }));
}

/** An agent listens for the container's first process only. */
function execSeccomp({ seccomp }: Spec['linux']): Spec['linux']['seccomp'] {
  return seccomp?.syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') === true ? { ...seccomp, syscalls: seccomp.syscalls.filter(({ action }) => action !== 'SCMP_ACT_NOTIFY') } : seccomp;
}

function joinOf(record: StateRecord, below: string | undefined): CgroupJoin {
  using cgroups = openGroups();
  return cgroups.join(below === undefined ? record.cgroupPath : `${record.cgroupPath}/${below.replace(/^[\w,]+:/, '').replaceAll(/^\/+|\/+$/g, '')}`);
}

/** Sum of the flags of those namespaces that the process has and we have not. */
function otherNamespaces(pid: number): number {
  const types = Object.keys(namespaceFlags) as NamespaceType[];
  return types.filter((type) => linkOf('self', type) !== linkOf(pid, type)).reduce((sum, type) => sum + namespaceFlags[type], 0);
}

function linkOf(pid: number | 'self', type: NamespaceType): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${namespaceFiles[type]}`);
  } catch {
    return undefined;
  }
}

/** The process of an exec: a whole one from a file, or the container's own with what the command line changes. */
export function execProcess(states: StateDirectory, id: string, flags: Parsed, command: readonly string[]): Process {
  const file = flags.text('process');
  if (file !== undefined) return decodeProcess(readFileSync(file, 'utf8'));
  if (command.length === 0) throw fail('invalid', 'process args cannot be empty', { hint: 'Give a command after the container\'s id, or --process FILE' });
  const { process } = states.spec(id);
  return {
    ...process, args: command, terminal: flags.flag('tty'),
    cwd: flags.text('cwd') ?? process.cwd, env: [...process.env, ...flags.many('env')],
    user: { ...process.user, ...userOf(flags.text('user')), ...(flags.many('additional-gids').length === 0 ? {} : { additionalGids: flags.many('additional-gids').map((gid) => idOf(gid, 'additional-gids')) }) },
    ...(flags.flag('no-new-privs') ? { noNewPrivileges: true } : {}),
    ...(flags.text('apparmor') === undefined ? {} : { apparmorProfile: flags.text('apparmor')! }),
    ...(flags.text('process-label') === undefined ? {} : { selinuxLabel: flags.text('process-label')! }),
    ...withCapabilities(process, flags.many('cap')),
  };
}

function userOf(text: string | undefined): Partial<Process['user']> {
  if (text === undefined) return {};
  const [uid = '', gid] = text.split(':');
  return { uid: idOf(uid, 'user'), ...(gid === undefined ? {} : { gid: idOf(gid, 'user') }) };
}

function idOf(text: string, flag: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) >= 2 ** 32) throw fail('invalid', `--${flag}: ${JSON.stringify(text)} is no id`, { hint: 'Users and groups are numbers here: names are known only inside' });
  return Number(text);
}

function withCapabilities({ capabilities }: Process, added: readonly string[]): Partial<Process> {
  if (added.length === 0) return {};
  const unknown = added.find((name) => capabilityNumber(name) === undefined);
  if (unknown !== undefined) throw fail('invalid', `--cap: unknown capability ${JSON.stringify(unknown)}`, { hint: 'Capabilities are named like CAP_NET_ADMIN' });
  const base = capabilities ?? { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
  const more = (names: readonly string[]): readonly string[] => [...new Set([...names, ...added])];
  return { capabilities: { ...base, bounding: more(base.bounding), effective: more(base.effective), permitted: more(base.permitted) } };
}
