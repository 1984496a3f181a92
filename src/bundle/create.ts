// create: a bundle becomes a process that waits. Whatever fails on the way takes back what was made, and says which step it was.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { asksAgent, borrowFd, call, compileSeccomp, connectUnix, errnoName, errnoSentence, Fd, hostArchitecture, O, openPidfd, seccompFlags, sendFd, tryCall, writeMaps, type Cgroups } from '../kernel/index.ts';
import { launchApart, LaunchError, planCreate, points, rlimitArguments, slots, type ApartProcess, type SecurityModules, type SeccompFilter } from '../runtime/index.ts';
import { fail } from '../base/index.ts';
import type { Process, Seccomp, Spec } from '../spec/oci/runtime.ts';
import { openBundle, type Bundle } from './bundle.ts';
import { cgroupPathOf, openGroups, withDefaultDevices } from './cgroup.ts';
import { listeningVariables } from './descriptors.ts';
import { runHooks, type HookState } from './hooks.ts';
import { hostId, mountPointOf, prepareMounts } from './mappings.ts';
import { lookAt } from './process.ts';
import { replaceFile, type StateDirectory, type StateRecord } from './state.ts';

export interface CreateOptions {
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket?: string | undefined;
  readonly pidFile?: string | undefined;
  readonly withoutPivot: boolean;
  readonly withoutKeyring: boolean;
  readonly preservedDescriptors: number;
  readonly systemd: boolean;
}

export interface Created {
  readonly record: StateRecord;
  readonly process: ApartProcess;
  readonly usesTerminal: boolean;
}

/** The container waits for `start` when this returns. `terminalSocket` takes a console socket's place. @throws EstivaError that says what could not be done */
export async function create(states: StateDirectory, options: CreateOptions, terminalSocket?: Fd): Promise<Created> {
  const bundle = withListeners(openBundle(options.bundle));
  states.claim(options.id);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => states.remove(options.id));
  const cgroups = undo.use(openGroups());
  const cgroupPath = cgroupPathOf(bundle.spec.linux.cgroupsPath, options.id, options.systemd);
  cgroups.create(cgroupPath, withDefaultDevices(bundle.spec.linux.resources));
  undo.defer(() => cgroups.remove(cgroupPath));
  const launched = await launchCreated(states, options, bundle, { cgroups, cgroupPath, terminalSocket });
  undo.defer(() => void tryCall('pidfd_send_signal', launched.process.pidfd.number, 9, 0, 0));
  const { pid } = launched.process;
  const record: StateRecord = {
    ociVersion: bundle.spec.ociVersion, id: options.id, bundle: bundle.path, rootfs: bundle.rootfs, pid, pidBegan: lookAt(pid)?.began ?? '',
    created: new Date().toISOString(), cgroupPath, annotations: bundle.spec.annotations, stepsToStart: launched.stepsToStart,
  };
  states.save(record, bundle.configText);
  if (options.pidFile !== undefined) replaceFile(options.pidFile, String(pid), 0o644);
  undo.move();
  return { record, process: launched.process, usesTerminal: bundle.spec.process.terminal === true };
}

/** A program that is handed listening sockets is told how many. */
function withListeners(bundle: Bundle): Bundle {
  const { spec } = bundle;
  return { ...bundle, spec: { ...spec, process: { ...spec.process, env: [...spec.process.env, ...listeningVariables()] } } };
}

interface Place {
  readonly cgroups: Cgroups;
  readonly cgroupPath: string;
  readonly terminalSocket: Fd | undefined;
}

async function launchCreated(states: StateDirectory, options: CreateOptions, bundle: Bundle, { cgroups, cgroupPath, terminalSocket }: Place): Promise<{ readonly process: ApartProcess; readonly stepsToStart: StateRecord['stepsToStart'] }> {
  const { spec, rootfs } = bundle;
  using opened = new DisposableStack();
  const shared = /^r?shared$/.test(spec.linux.rootfsPropagation ?? '');
  const plan = planCreate(spec, {
    root: { kind: 'directory', path: rootfs, withoutPivot: options.withoutPivot, ...(shared ? { mountPoint: mountPointOf(rootfs) } : {}) },
    cgroup: cgroups.join(cgroupPath), seccompFilter: seccompFilterOf(spec.linux.seccomp), waits: true, preservedDescriptors: options.preservedDescriptors,
    keyring: options.withoutKeyring ? undefined : keyringOf(options.id), securityModules: securityModules(),
  });
  const state = (status: HookState['status'], pid: number): HookState => ({ ociVersion: spec.ociVersion, id: options.id, status, pid, bundle: bundle.path, annotations: spec.annotations });
  const hookState = opened.use(new Fd(call('memfd_create', 'state', 1)));
  const fill = new Map<string, number>([
    ...prepareMounts(spec, opened), ...(terminalSocket !== undefined && spec.process.terminal === true ? terminalSlots(terminalSocket, opened) : consoleSlots(spec.process, options.consoleSocket, opened)),
    [slots.turn, fifo(states.path(options.id, 'exec.fifo'), opened).number], [slots.hookState, hookState.number], [slots.ownPidNamespace, opened.use(Fd.open('/proc/self/ns/pid', O.RDONLY)).number],
  ]);
  giveStreams(spec);
  using _score = new OomScore(spec.process.oomScoreAdj);
  const process = await launch(spec.process, () => launchApart({
    plan, fill, records: resultFifo(states.path(options.id, 'exec.result'), opened), until: points.created,
    reached: async (point, result, pid) => {
      if (point === points.ids) writeMaps(pid, spec.linux);
      if (point === points.hooks) {
        await runHooks(spec.hooks, 'prestart', state('creating', pid));
        await runHooks(spec.hooks, 'createRuntime', state('creating', pid));
        rewrite(hookState, JSON.stringify(state('creating', pid)));
      }
      if (point === 'listener') handToAgent(spec.linux.seccomp!, result, state('creating', pid));
      if (point === points.created) {
        limitFromOutside(spec.process, pid);
        rewrite(hookState, JSON.stringify(state('created', pid)));
      }
    },
  }));
  return { process, stepsToStart: stepsAfter(plan, points.created) };
}

/** What `start` will need to put a failure into words. */
function stepsAfter({ outer, inner }: ReturnType<typeof planCreate>, point: string): StateRecord['stepsToStart'] {
  const ops = [...outer, ...inner].filter((step) => 'call' in step);
  const from = ops.findIndex(({ label }) => label === point);
  return ops.slice(from).map(({ call, why = '' }, index) => ({ index: from + index, call, why }));
}

/** Runs a launch; a failure is told as runc would: clients look for these words. */
export async function launch(process: Process, run: () => Promise<ApartProcess>): Promise<ApartProcess> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    throw fail(error.errno === 1 || error.errno === 13 ? 'denied' : 'invalid', `unable to start container process: ${failureText(process, error.op.call, error.op.why ?? '', error.errno)}`, { cause: error });
  }
}

export function failureText({ args, cwd }: Pick<Process, 'args' | 'cwd'>, failed: string, why: string, errno: number): string {
  const name = args[0] ?? '';
  const code = errnoName(errno);
  const sentence = errnoSentence(code);
  if (failed === 'faccessat2' || failed === 'execve') {
    if (why.includes('hook')) return `${why}: ${sentence}`;
    if (code === 'ENOENT' && !name.includes('/')) return `exec: ${JSON.stringify(name)}: executable file not found in $PATH`;
    return code === 'ENOENT' ? `exec: ${JSON.stringify(name)}: stat ${name}: no such file or directory` : `exec: ${JSON.stringify(name)}: ${sentence}`;
  }
  if (why === `cd ${cwd}` || why.startsWith('the working directory, which')) return `chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: ${sentence}`;
  if (why.includes('hook')) return `error running ${why}: it did not`;
  return `${why === '' ? failed : why}: ${failed}: ${sentence}`;
}

export function seccompFilterOf(profile: Seccomp | undefined): SeccompFilter | undefined {
  if (profile === undefined) return undefined;
  const asks = asksAgent(profile);
  const tellsByWrite = profile.syscalls?.some(({ names, action }) => action === 'SCMP_ACT_NOTIFY' && names.includes('write')) === true || profile.defaultAction === 'SCMP_ACT_NOTIFY';
  if (asks && (profile.listenerPath ?? '') === '') throw fail('invalid', 'linux.seccomp.listenerPath: it is required with SCMP_ACT_NOTIFY');
  if (tellsByWrite) throw fail('unsupported', 'linux.seccomp: SCMP_ACT_NOTIFY cannot be used for the write syscall: the agent is told of itself by one');
  return { instructions: compileSeccomp(profile, hostArchitecture()), flags: seccompFlags(profile), asksAgent: asks };
}

/** The specification's "container process state", with the listener's descriptor. */
function handToAgent(profile: Seccomp, listener: number, state: HookState): void {
  using pidfd = openPidfd(state.pid!);
  using descriptor = borrowFd(pidfd, listener);
  using agent = connectUnix(profile.listenerPath!);
  sendFd(agent, descriptor, JSON.stringify({ ociVersion: state.ociVersion, fds: ['seccompFd'], pid: state.pid, metadata: profile.listenerMetadata ?? '', state }));
}

export function securityModules(): SecurityModules {
  return { apparmor: firstByte('/sys/module/apparmor/parameters/enabled') === 'Y', selinux: firstByte('/sys/fs/selinux/enforce') !== undefined };
}

function firstByte(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')[0];
  } catch {
    return undefined;
  }
}

/** Kernels can be built without keyrings. */
export function keyringOf(id: string): string | undefined {
  return firstByte('/proc/keys') === undefined && firstByte('/proc/key-users') === undefined ? undefined : `_ses.${id}`;
}

/** What a process with a terminal needs: who gets its outer end, and a descriptor number that is free for it. */
export function consoleSlots(process: Process, socketPath: string | undefined, owner: DisposableStack): ReadonlyMap<string, number> {
  if (process.terminal !== true) {
    if (socketPath !== undefined) throw fail('invalid', 'cannot use console socket if the process has no terminal', { hint: 'Set process.terminal to true' });
    return new Map();
  }
  if (socketPath === undefined) throw fail('invalid', 'cannot allocate tty if runc will detach without setting console socket', { hint: 'Give --console-socket' });
  return terminalSlots(owner.use(connectUnix(socketPath)), owner);
}

export function terminalSlots(socket: Fd, owner: DisposableStack): ReadonlyMap<string, number> {
  const place = owner.use(Fd.open('/dev/null', O.RDONLY)).number;
  return new Map([[slots.consoleSocket, socket.number], [slots.consoleMaster, place], [slots.consoleMessage, place]]);
}

const S_IFIFO = 0o010000;

function fifo(path: string, owner: DisposableStack): Fd {
  call('mknodat', -100, path, S_IFIFO | 0o600, 0);
  return owner.use(Fd.open(path, O.RDWR));
}

/** Opened for reading first: a FIFO that nobody reads cannot be opened for writing without waiting. */
function resultFifo(path: string, owner: DisposableStack): { readonly read: Fd; readonly write: Fd } {
  call('mknodat', -100, path, S_IFIFO | 0o600, 0);
  const read = owner.use(Fd.open(path, O.RDONLY | O.NONBLOCK));
  const write = owner.use(Fd.open(path, O.WRONLY));
  const F_SETFL = 4;
  call('fcntl', read.number, F_SETFL, 0);
  return { read, write };
}

function rewrite(file: Fd, text: string): void {
  call('ftruncate', file.number, 0);
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) done += call('pwrite64', file.number, bytes.subarray(done), bytes.length - done, done);
}

/** A program that is not root opens /dev/stdout by name: its streams become its own. Devices of the host do not. */
function giveStreams({ process, linux }: Spec): void {
  const uid = hostId(linux.uidMappings, process.user.uid);
  if (process.terminal === true || uid === undefined || uid === 0) return;
  for (const fd of [0, 1, 2]) if (isOwnStream(fd)) tryCall('fchown', fd, uid, -1);
}

/** A pipe or a socket. */
function isOwnStream(fd: number): boolean {
  const struct = new Uint8Array(256);
  if (tryCall('statx', fd, '', 0x1000, 1, struct) < 0) return false;
  const type = new DataView(struct.buffer).getUint16(28, true) & 0o170000;
  return type === S_IFIFO || type === 0o140000;
}

/** Set on ourselves, inherited by the child, and taken back: a process in a user namespace may not lower its own. */
export class OomScore implements Disposable {
  readonly #before: string | undefined;

  constructor(score: number | undefined) {
    if (score === undefined) return;
    this.#before = readFileSync('/proc/self/oom_score_adj', 'latin1');
    writeFileSync('/proc/self/oom_score_adj', String(score));
  }

  [Symbol.dispose](): void {
    if (this.#before !== undefined) writeFileSync('/proc/self/oom_score_adj', this.#before);
  }
}

/** Limits are set by us, who may raise them in every case, when the process has opened all that it needs. */
export function limitFromOutside({ rlimits = [] }: Process, pid: number): void {
  for (const limit of rlimits) {
    const { number, struct } = rlimitArguments(limit);
    const result = tryCall('prlimit64', pid, number, struct, 0);
    if (result < 0) throw fail('denied', `process.rlimits: cannot set ${limit.type} to ${limit.soft} of ${limit.hard}: ${errnoSentence(errnoName(-result))}`);
  }
}

/** Removes what `start` has used up. */
export function forgetWaiting(states: StateDirectory, id: string): void {
  for (const file of ['exec.fifo', 'exec.result']) rmSync(states.path(id, file), { force: true });
}
