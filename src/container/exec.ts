// exec: one more program in a running container, with the container's own posture.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fail, messageOf, type ContainerId } from '../base/index.ts';
import { assemble, CLONE, hostArchitecture, isKernelError, sendSignal, setWindowSize, type Image } from '../kernel/index.ts';
import { planExec, type ExternalLaunch, type LaunchAnswer, type TaskExit } from '../runtime/index.ts';
import type { ExecConfig } from '../spec/docker/container.ts';
import type { Attachment, ContainerRecord, ExecRecord, ExecStart } from './container.ts';
import { externalExec, externalFailure } from './external/index.ts';
import { chooseCapabilities } from './oci/capabilities.ts';
import { seccompChoice } from './oci/security.ts';
import { linkedEnvironment } from './links.ts';
import { execProcessOf } from './oci/spec.ts';
import { cgroupPathOf, type LiveExec, type Room } from './room.ts';
import { runningRoot, stoppedRoot } from './rootfs.ts';
import { allow, hasProcess } from './state.ts';
import { startFailureOf, type StartFailure } from './start-failure.ts';
import { capabilitiesOf, tracersBeside } from './rights.ts';
import { parseSignal } from './signal.ts';
import { openStreams } from './streams/index.ts';
import { resolveUser } from './user.ts';

const joinedNamespaces = CLONE.NEWNS + CLONE.NEWUTS + CLONE.NEWIPC + CLONE.NEWNET + CLONE.NEWCGROUP;
/** Execs that ended are remembered for `inspect`, the newest of them. */
const rememberedMax = 1000;
/** Docker's exit code of what could not be started for a reason that is not the command's. */
const notTried = 128;

export function createExec(room: Room, record: ContainerRecord, config: ExecConfig): string {
  allow('exec', record);
  if (config.Cmd.length === 0) throw fail('invalid', 'No exec command specified');
  // As dockerd does: a user who is not there is an error of the create. Root is always there.
  if (userName(record, config) !== '') execUser(room, record, config);
  const id = randomBytes(32).toString('hex');
  room.execs.set(id, { record: { id, containerId: record.id, config, state: { status: 'created' } }, task: undefined });
  if (room.execs.size > rememberedMax) forgetOldest(room);
  room.tell({ kind: 'exec_create', container: record, execId: id, command: config.Cmd });
  return id;
}

function forgetOldest(room: Room): void {
  for (const [id, { record }] of room.execs) {
    if (record.state.status !== 'exited') continue;
    room.execs.delete(id);
    return;
  }
}

/** @throws `not_found` with Docker's text. */
export function findExec(room: Room, id: string): LiveExec {
  const exec = room.execs.get(id);
  if (exec === undefined) throw fail('not_found', `No such exec instance: ${id}`);
  return exec;
}

function notRunning({ id }: { readonly id: ContainerId }): Error {
  return fail('conflict', `container ${id} is not running`, { hint: 'Start it first' });
}

export async function startExec(room: Room, exec: LiveExec, options: ExecStart): Promise<Attachment | undefined> {
  const { record: { config, id } } = exec;
  const container = room.shelf.get(exec.record.containerId);
  if (exec.record.state.status !== 'created') throw fail('conflict', `Error: Exec command ${id} is already running`);
  allow('exec', container);
  await room.supervised;
  using launch = execLaunch(room, container, exec.record, options.consoleSize ?? config.ConsoleSize);
  options.onAllowed?.();
  const answer = await launched(room, exec, launch);
  if (!('launched' in answer)) {
    const { error, exitCode } = launch.failureOf(answer);
    exec.record = { ...exec.record, state: { status: 'exited', exitCode, pid: 0 } };
    throw fail(error.kind, error.message.replace('failed to create task for container: unable to start container process', 'OCI runtime exec failed: exec failed: unable to start container process'));
  }
  const { pid } = answer.launched;
  setOomScore(pid, container.hostConfig.OomScoreAdj);
  const fds = room.supervisor.borrow(answer.launched.fds);
  const streams = openStreams({
    stdout: fds.stdout!, stderr: fds.stderr, stdin: fds.stdin, terminal: config.Tty, readiness: room.readiness, stdinOnce: true,
    onStdinClosed: () => void room.supervisor.closeStdin(id).catch((error: unknown) => room.log.warn({ exec: id, error: messageOf(error) }, 'stdin not closed')),
  });
  exec.record = { ...exec.record, state: { status: 'running', pid } };
  exec.task = { pid, fds, streams, exited: Promise.withResolvers(), freezing: undefined, stopAsked: false, restarts: false };
  room.tell({ kind: 'exec_start', container, execId: id, command: config.Cmd });
  if (options.detach) return undefined;
  return untilRecorded(streams.attach({ stdin: config.AttachStdin, stdout: config.AttachStdout, stderr: config.AttachStderr }), exec.task.exited.promise);
}

/** Who was told that it begins may ask how it ended, also when it could not be tried. */
async function launched(room: Room, exec: LiveExec, { external, image }: ExecLaunch): Promise<LaunchAnswer> {
  const { id, containerId, config } = exec.record;
  try {
    return await room.supervisor.launch({ task: id, terminal: config.Tty, stdin: config.AttachStdin, within: containerId, external }, image);
  } catch (error) {
    exec.record = { ...exec.record, state: { status: 'exited', exitCode: notTried, pid: 0 } };
    throw error;
  }
}

/** From outside, once it has memory of its own: on its way there it shares the supervisor's, and the score with it. It may have ended already. */
function setOomScore(pid: number, score: number): void {
  if (score === 0) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** The output ends when the exit code can be asked for, not before: clients ask at once. */
function untilRecorded(attachment: Attachment, recorded: Promise<void>): Attachment {
  const left = Promise.withResolvers<void>();
  return {
    tty: attachment.tty,
    output: (async function* output() {
      yield* attachment.output;
      await Promise.race([recorded, left.promise]);
    })(),
    write: (bytes) => attachment.write(bytes),
    closeInput: () => attachment.closeInput(),
    [Symbol.asyncDispose]: async () => {
      left.resolve();
      await attachment[Symbol.asyncDispose]();
    },
  };
}

interface ExecLaunch extends Disposable {
  readonly image: Image;
  readonly external?: ExternalLaunch;
  readonly failureOf: (answer: Exclude<LaunchAnswer, { launched: unknown }>) => StartFailure;
}

function execLaunch(room: Room, container: ContainerRecord, { id, config }: ExecRecord, consoleSize: readonly [number, number] | undefined): ExecLaunch {
  const { hostConfig } = container;
  const capabilities = config.Privileged ? chooseCapabilities({ privileged: true, add: [], drop: [] }, room.host.capabilities) : capabilitiesOf(room, hostConfig);
  const process = execProcessOf(container, config, { user: execUser(room, container, config), capabilities, consoleSize, linked: linkedEnvironment(room, container) });
  const runtime = room.runtimes.find(hostConfig.Runtime);
  if (runtime !== undefined) {
    const call = externalExec(room, container, runtime, id, process);
    return { ...call, failureOf: (answer) => externalFailure(runtime, { verb: 'exec', image: call.image, answer, log: call.log }) };
  }
  const seccomp = config.Privileged ? 'unconfined' : seccompChoice(hostConfig.SecurityOpt ?? [], hostConfig.Privileged);
  const setting = {
    cgroup: room.cgroups.join(cgroupPathOf(container.id, hostConfig.CgroupParent)),
    watched: hasProcess(container.state) && tracersBeside(room, container.state.pid).length > 0,
    namespaces: joinedNamespaces,
  };
  const image = room.execPrograms.get(container.id, [process, setting, seccomp, capabilities], () => assemble(planExec(process, { ...setting, seccompFilter: room.seccomp.get(seccomp, capabilities) }), hostArchitecture()));
  return {
    image,
    failureOf: (answer) => {
      if (!('failed' in answer)) throw new Error('The supervisor answered for another runtime');
      return startFailureOf(image, answer.failed, config.Cmd, config.WorkingDir);
    },
    [Symbol.dispose]: () => undefined,
  };
}

function userName(container: ContainerRecord, config: ExecConfig): string {
  return config.User !== '' ? config.User : container.config.User;
}

function execUser(room: Room, container: ContainerRecord, config: ExecConfig): ReturnType<typeof resolveUser> {
  const pid = hasProcess(container.state) ? container.state.pid : 0;
  const name = userName(container, config);
  const groups = container.hostConfig.GroupAdd ?? [];
  // The process that another runtime shows us may be one that only stands for the container, with a root of its own.
  if (room.runtimes.find(container.hostConfig.Runtime) !== undefined) return resolveUser(name, groups, stoppedRoot(room.storage.snapshots.dirs(container.id, container.layers)));
  try {
    using root = runningRoot(pid);
    return resolveUser(name, groups, root);
  } catch (error) {
    if (isKernelError(error, 'ENOENT', 'ESRCH')) throw notRunning(container);
    throw error;
  }
}

export function resizeExec(exec: LiveExec, size: { readonly rows: number; readonly columns: number }): void {
  if (exec.task === undefined || exec.record.state.status !== 'running') throw fail('conflict', `Exec ${exec.record.id} is not running`);
  if (exec.task.fds.stdout?.isOpen === true && exec.record.config.Tty) setWindowSize(exec.task.fds.stdout, size);
}

/** Resolves with the exit code. @throws `conflict` when it was never started */
export async function waitExec(exec: LiveExec): Promise<number> {
  await exec.task?.exited.promise;
  const { state } = exec.record;
  if (state.status !== 'exited') throw fail('conflict', `Exec ${exec.record.id} has not been started`);
  return state.exitCode;
}

/** Its program only, not what that started. One that has ended is left alone. */
export function killExec(exec: LiveExec, signal: string): void {
  if (exec.task !== undefined) sendSignal(exec.task.fds.pidfd, parseSignal(signal));
}

export async function recordExecExit(room: Room, exec: LiveExec, exit: TaskExit): Promise<void> {
  const { task } = exec;
  if (task === undefined) return;
  await task.streams.finish();
  exec.record = { ...exec.record, state: { status: 'exited', exitCode: exit.code, pid: task.pid } };
  exec.task = undefined;
  task.fds.pidfd[Symbol.dispose]();
  task.exited.resolve();
  const container = room.shelf.find(exec.record.containerId);
  if (container !== undefined) room.tell({ kind: 'exec_die', container, execId: exec.record.id, exitCode: exit.code });
  // Who waits is answered first: the supervisor, once woken, may take the processor from us.
  await nextTurn();
  await room.supervisor.release(exec.record.id);
}
