// From "inside the container, all-powerful" to "the user's program with the user's rights": the last stretch of a start and of an exec. First the
// process becomes what the program shall be (become), then the program takes its place (execute).
//
// The order matters. Without no_new_privs a seccomp filter needs CAP_SYS_ADMIN, so it is loaded while there is one, and must then allow what
// follows (setresuid, capset, prctl, execve and the error report). With no_new_privs it comes last. KEEPCAPS lets capabilities survive the
// change of ids until capset says what stays. The death signal is lifted at the very end: the program outlives its maker.
import { fail } from '../../base/index.ts';
import { capabilityBits, capabilityNames, capabilityNumber, openHow, O, resolution, type Op, type Step } from '../../kernel/index.ts';
import type { Capabilities, Process, Rlimit } from '../../spec/oci/runtime.ts';
import { jump, makeDirectories, tell, writeFile } from './jump.ts';
import { slots } from './setting.ts';

const AT_FDCWD = -100;
const PR_SET_PDEATHSIG = 1;
const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const SIG_SETMASK = 2;
const SIGPIPE = 13;
const SIGXFSZ = 25;
const SECCOMP_SET_MODE_FILTER = 1;

export interface SeccompFilter {
  /** BPF, 8 bytes an instruction. */
  readonly instructions: Uint8Array;
  /** The second argument of seccomp(2). */
  readonly flags: number;
  /** True: the launcher is told of the descriptor that an agent answers through. */
  readonly asksAgent?: boolean;
}

export interface ProcessSetting {
  /** Absent: unconfined. */
  readonly seccompFilter?: SeccompFilter | undefined;
  /** Whether a working directory that is not there is made (a start) or an error (an exec). */
  readonly makeDirectory: boolean;
  /** Absent: of our descriptors only 0, 1 and 2 go on. A number: so many more, and the others stay open up to the execve. */
  readonly keptDescriptors?: number | undefined;
  /** True: whoever launches sets the resource limits; absent: the process does. */
  readonly limitedFromOutside?: boolean | undefined;
  /** True: the OOM score is inherited as it shall be; absent: the process sets it. */
  readonly scoreInherited?: boolean | undefined;
}

/** Standard streams are in place. Every step after these is made with the program's own rights, under its filter. */
export function become(process: Process, setting: ProcessSetting): readonly Step[] {
  const filter = setting.seccompFilter === undefined ? [] : seccompSteps(setting.seccompFilter);
  const privileged = process.noNewPrivileges !== true;
  return [
    ...(process.oomScoreAdj === undefined || setting.scoreInherited === true ? [] : writeFile('/proc/self/oom_score_adj', String(process.oomScoreAdj), 'who dies first when memory runs out')),
    ...workingDirectory(process.cwd, setting.makeDirectory),
    // From here on nothing is opened: what is open is closed, and a limit of five files shall not stop us.
    ...closeSteps(setting.keptDescriptors),
    ...(setting.limitedFromOutside === true ? [] : process.rlimits ?? []).map(rlimitStep),
    ...(privileged ? filter : []),
    ...identity(process),
    { call: 'rt_sigaction', args: [SIGPIPE, new Uint8Array(32), 0, 8], why: 'Node ignores SIGPIPE; the program shall not' },
    { call: 'rt_sigaction', args: [SIGXFSZ, new Uint8Array(32), 0, 8], why: 'the same for SIGXFSZ' },
    { call: 'rt_sigprocmask', args: [SIG_SETMASK, new Uint8Array(8), 0, 8], why: 'no signal blocked' },
    ...(privileged ? [] : [{ call: 'prctl', args: [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], why: 'no execve will ever give more rights' } satisfies Op, ...filter]),
    { call: 'prctl', args: [PR_SET_PDEATHSIG, 0], why: 'from here on it stands on its own' },
  ];
}

function closeSteps(kept: number | undefined): readonly Op[] {
  const CLOSE_RANGE_CLOEXEC = 4;
  if (kept !== undefined) return [{ call: 'close_range', args: [3 + kept, 0xffffffff, CLOSE_RANGE_CLOEXEC], why: `of our descriptors only 0 to ${2 + kept} outlive the execve` }];
  return [
    { call: 'close_range', args: [3, { slot: slots.belowError }, 0], onError: 'ignore', why: 'of our descriptors only 0, 1 and 2 go on' },
    { call: 'close_range', args: [{ slot: slots.aboveError }, 0xffffffff, 0], why: 'and the one for errors, up to its execve' },
  ];
}

/** The label of the filter's op, whose result is the agent's descriptor when the filter asks one. */
export const listenerLabel = 'listener';

function seccompSteps({ instructions, flags, asksAgent }: SeccompFilter): readonly Op[] {
  const count = instructions.length / 8;
  const struct = new Uint8Array(16);
  new DataView(struct.buffer).setUint16(0, count, true);
  const load: Op = { call: 'seccomp', args: [SECCOMP_SET_MODE_FILTER, flags, { struct, pointers: { 8: instructions } }], why: `the system calls it may make: a filter of ${count} instructions` };
  return asksAgent === true ? [{ ...load, label: listenerLabel }, tell(listenerLabel, 'the agent is given the descriptor that it answers through')] : [load];
}

/** Numbers of prlimit64(2). Source: asm-generic/resource.h. */
const rlimitNumbers: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0, RLIMIT_FSIZE: 1, RLIMIT_DATA: 2, RLIMIT_STACK: 3, RLIMIT_CORE: 4, RLIMIT_RSS: 5, RLIMIT_NPROC: 6, RLIMIT_NOFILE: 7, RLIMIT_MEMLOCK: 8, RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10, RLIMIT_SIGPENDING: 11, RLIMIT_MSGQUEUE: 12, RLIMIT_NICE: 13, RLIMIT_RTPRIO: 14, RLIMIT_RTTIME: 15,
};

function rlimitStep(limit: Rlimit): Op {
  const { number, struct } = rlimitArguments(limit);
  return { call: 'prlimit64', args: [0, number, struct, 0], why: `${limit.type} ${limit.soft} of at most ${limit.hard}` };
}

/** @throws EstivaError `invalid` for a limit that the kernel does not have. */
export function rlimitArguments(limit: Rlimit): { readonly number: number; readonly struct: Uint8Array } {
  const number = rlimitNumbers[limit.type];
  if (number === undefined) throw fail('invalid', `Unknown resource limit: ${JSON.stringify(limit.type)}`, { hint: `One of ${Object.keys(rlimitNumbers).join(', ')}` });
  const struct = new Uint8Array(16);
  const view = new DataView(struct.buffer);
  view.setBigUint64(0, limitWord(limit.soft), true);
  view.setBigUint64(8, limitWord(limit.hard), true);
  return { number, struct };
}

/** "Unlimited" is the largest number; as a double it has become 2^64. */
function limitWord(value: number): bigint {
  return value < 0 || value >= 2 ** 64 ? 2n ** 64n - 1n : BigInt(value);
}

/** Entered through an open directory, so that no magic link (/proc/self/fd/7) leads out. */
function workingDirectory(cwd: string, make: boolean): readonly Op[] {
  if (!cwd.startsWith('/')) throw fail('invalid', `Working directory ${JSON.stringify(cwd)} is not an absolute path`);
  return [
    ...(make ? makeDirectories(cwd, 'the working directory') : []),
    { call: 'openat2', args: [AT_FDCWD, cwd, openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, 0, resolution.insideOwnRoot), 24], label: 'cwd', why: 'the working directory, which must be inside' },
    { call: 'fchdir', args: [{ resultOf: 'cwd' }], why: `cd ${cwd}` },
  ];
}

function identity({ user, capabilities }: Process): readonly Op[] {
  const groups = user.additionalGids ?? [];
  const keep = capabilities ?? { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
  return [
    ...(user.uid === 0 ? [] : [{ call: 'prctl', args: [PR_SET_KEEPCAPS, 1, 0, 0, 0], why: 'capabilities outlive the change of user, until capset' } satisfies Op]),
    ...capabilityNames.filter((name) => !keep.bounding.includes(name)).map((name): Op => (
      { call: 'prctl', args: [PR_CAPBSET_DROP, capabilityNumber(name)!, 0, 0, 0], ...(isRecent(name) ? { onError: 'ignore' } : {}), why: `never ${name} again` })),
    { call: 'umask', args: [user.umask ?? 0o022], why: 'the usual umask', onError: 'ignore' },
    { call: 'setgroups', args: [groups.length, Buffer.from(Uint32Array.from(groups).buffer)], why: `groups ${groups.join(' ') || 'none'}` },
    { call: 'setresgid', args: [user.gid, user.gid, user.gid], why: `group ${user.gid}` },
    { call: 'setresuid', args: [user.uid, user.uid, user.uid], why: `user ${user.uid}` },
    capsetStep(keep),
    ...keep.ambient.map((name): Op => ({ call: 'prctl', args: [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capabilityNumber(name)!, 0, 0], why: `ambient ${name}` })),
  ];
}

/** Capabilities that kernels before 5.9 do not know: dropping them may fail there. */
function isRecent(name: string): boolean {
  return ['CAP_PERFMON', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE'].includes(name);
}

function capsetStep(keep: Capabilities): Op {
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, 0x20080522, true);
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  for (const [column, names] of [keep.effective, keep.permitted, keep.inheritable].entries()) {
    const [low, high] = capabilityBits(names);
    view.setUint32(column * 4, low, true);
    view.setUint32(12 + column * 4, high, true);
  }
  return { call: 'capset', args: [header, data], why: keep.effective.length === 0 ? 'no capability in force' : `in force: ${keep.effective.join(' ')}` };
}

/** Images name the directories: without a limit, one could make programs of any size. */
const pathDirectoriesMax = 1000;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** One try per directory of PATH for a bare name, as execvp does; the last failure is the one that is reported. */
export function execute({ args, env }: Process): readonly Op[] {
  const name = args[0];
  if (name === undefined || name === '') throw fail('invalid', 'No command specified', { hint: 'Give a command after the image, or use an image that has one' });
  const [words, variables] = [{ strings: args }, { strings: env }];
  if (name.includes('/')) return [{ call: 'execve', args: [name, words, variables], why: 'the program' }];
  const candidates = candidatesOf(name, env);
  return candidates.map((candidate, i): Op => ({
    call: 'execve', args: [candidate, words, variables], why: i === 0 ? 'the program, looked for along PATH' : 'or here',
    ...(i === 0 ? {} : { label: `try ${i}` }), ...(i === candidates.length - 1 ? {} : { onError: { goto: `try ${i + 1}` } }),
  }));
}

/** Where along PATH the program may be. @throws EstivaError `invalid` for a PATH without end. */
function candidatesOf(name: string, env: readonly string[]): readonly string[] {
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice(5) ?? defaultPath;
  const directories = path.split(':', pathDirectoriesMax + 1);
  if (directories.length > pathDirectoriesMax) throw fail('invalid', `PATH names more than ${pathDirectoriesMax} directories`, { hint: 'Set a shorter one with --env PATH=…, or give the whole path of the command' });
  return directories.map((dir) => `${dir === '' ? '.' : dir}/${name}`);
}

/** Whether there is a program to execute, told before its time has come. */
export function findProgram({ args, env }: Process): readonly Step[] {
  const name = args[0];
  if (name === undefined || name === '') throw fail('invalid', 'process.args: expected a command', { hint: 'Give at least the program\'s name' });
  const candidates = name.includes('/') ? [name] : candidatesOf(name, env);
  const X_OK = 1;
  const AT_EACCESS = 0x200;
  return [
    ...candidates.flatMap((candidate, i): readonly Op[] => [
      { call: 'faccessat2', args: [AT_FDCWD, candidate, X_OK, AT_EACCESS], why: 'is the program there?', ...(i === 0 ? {} : { label: `look ${i}` }), ...(i === candidates.length - 1 ? {} : { onError: { goto: `look ${i + 1}` } }) },
      jump('found'),
    ]),
    { label: 'found' },
  ];
}

/** The standard streams for a process without a terminal. */
export function pipeSteps(uid: number): readonly Op[] {
  const names = [slots.stdin, slots.stdout, slots.stderr];
  return [
    ...names.map((slot, fd): Op => ({ call: 'dup3', args: [{ slot }, fd, 0], why: slot })),
    // A program that is not root opens /dev/stdout by name: the pipe must be its own. Without a pipe, stdin is the host's /dev/null, which stays the host's.
    ...(uid === 0 ? [] : [{ slot: slots.stdinPipe }, 1, 2].map((fd, i): Op => ({ call: 'fchown', args: [fd, uid, -1], onError: 'ignore', why: `${names[i]!} belongs to the user${i === 0 ? ', if it is a pipe' : ''}` }))),
  ];
}
