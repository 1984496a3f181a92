// Execs: another program in a running container.
import type { Duplex } from 'node:stream';
import { decode, fail } from '../base/index.ts';
import type { ExecRecord } from '../engine/index.ts';
import type { ExecConfig } from '../spec/docker/container.ts';
import type { CreateExecResponse } from '../spec/docker/container-view.ts';
import { answerEmpty, answerJson, sentenceOf } from './answer.ts';
import { readJson } from './body.ts';
import { type Call, parameterOf } from './call.ts';
import { terminalSize } from './containers.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { frameHeader, streamType } from './frames.ts';
import { takeSocket } from './hijack.ts';
import { relay } from './relay.ts';
import { toExecInspect } from './to-docker.ts';

const { flag, integer, list, mapped, object, optional, text } = decode;

const consoleSize: decode.Decode<readonly [number, number] | undefined> = optional(mapped(list(integer), ([height, width]) => [height ?? 0, width ?? 0] as const));

export const execConfig = object<ExecConfig>({
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  DetachKeys: optional(text),
  Tty: flag,
  ConsoleSize: consoleSize,
  Env: list(text),
  Cmd: (value, path) => typeof value === 'string' ? [value] : list(text)(value, path),
  Privileged: flag,
  User: text,
  WorkingDir: text,
});

export async function create(call: Call): Promise<void> {
  const { engine, request, response } = call;
  const config = await readJson(request, execConfig);
  if (config.Cmd.length === 0) throw fail('invalid', 'No exec command specified');
  parseDetachKeys(config.DetachKeys ?? '');
  const id = await engine.containers.createExec(parameterOf(call, 'id'), config);
  answerJson(response, 201, { Id: id } satisfies CreateExecResponse);
}

export function inspect(call: Call): void {
  answerJson(call.response, 200, toExecInspect(call.engine.containers.getExec(parameterOf(call, 'id'))));
}

interface StartOptions {
  readonly Detach: boolean;
  readonly Tty: boolean;
  readonly ConsoleSize?: readonly [number, number] | undefined;
}
export const startOptions = object<StartOptions>({ Detach: flag, Tty: flag, ConsoleSize: consoleSize });

export async function start(call: Call): Promise<void> {
  const { engine, request, response } = call;
  const { Detach: detach, ConsoleSize: consoleSize } = await readJson(request, startOptions);
  const exec = engine.containers.getExec(parameterOf(call, 'id'));
  if (!detach) return startAttached(call, exec, consoleSize);
  await engine.containers.startExec(exec.id, { detach, consoleSize });
  answerEmpty(response, 200);
}

async function startAttached(call: Call, exec: ExecRecord, consoleSize: StartOptions['ConsoleSize']): Promise<void> {
  const { engine, signal } = call;
  const hijacked: { socket?: Duplex } = {};
  const { Tty: tty, AttachStdin: stdin, DetachKeys: detachKeys = '' } = exec.config;
  try {
    const attachment = await engine.containers.startExec(exec.id, { detach: false, consoleSize, onAllowed: () => { hijacked.socket = takeExecSocket(call, tty); } });
    if (attachment === undefined || hijacked.socket === undefined) throw new Error('An exec that is not detached has streams');
    await relay(hijacked.socket, { attachment, framed: !tty, stdin, atEndOfInput: tty ? 'leave' : 'close', detachKeys: tty ? parseDetachKeys(detachKeys) : undefined, signal });
  } catch (error) {
    if (hijacked.socket?.writable !== true) throw error;
    tellInStream(hijacked.socket, tty, sentenceOf(error));
  }
}

/**
 * Before the program begins: clients like docker-py read the head of the answer through a buffer, and lose what came together with it.
 */
function takeExecSocket({ request, response, apiMinor }: Call, tty: boolean): Duplex {
  const socket = takeSocket(request, response, streamType(tty, apiMinor));
  socket.on('error', () => undefined); // 'close' follows
  return socket;
}

/** A command that cannot be run gives the exec an exit code (127, 126), which clients ask for after the stream's end: the reason goes into the stream. */
function tellInStream(socket: Duplex, tty: boolean, sentence: string): void {
  const bytes = Buffer.from(`${sentence}\r\n`);
  socket.end(tty ? bytes : Buffer.concat([frameHeader('stdout', bytes.length), bytes]));
}

export async function resize(call: Call): Promise<void> {
  await call.engine.containers.resizeExec(parameterOf(call, 'id'), terminalSize(call.query));
  answerEmpty(call.response, 200);
}
