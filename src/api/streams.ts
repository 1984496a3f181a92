// Answers that last: waiting for the end, logs, attach. A client that hangs up ends them.
import type { Duplex } from 'node:stream';
import { fail, withNanoseconds } from '../base/index.ts';
import type { Attachment, LogEntry, OutputChunk, WaitCondition, WaitResult } from '../engine/index.ts';
import type { WaitResponse } from '../spec/docker/container-view.ts';
import { type Call, parameterOf } from './call.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { sendOutput, streamType } from './frames.ts';
import { takeSocket, takeWebSocket } from './hijack.ts';
import type { Query } from './query.ts';
import { relay } from './relay.ts';
import { acceptKey, WebSocketStream } from './websocket.ts';

const waitConditions: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

/** The headers go out at once: they tell the client that from now on no exit is missed, and `docker run` starts the container only then. */
export async function wait(call: Call): Promise<void> {
  const { engine, response, signal } = call;
  const condition = waitCondition(call.query.text('condition'));
  const { id } = engine.containers.get(parameterOf(call, 'id'));
  const waiting = engine.containers.wait(id, condition, signal);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  try {
    response.end(`${JSON.stringify(waitResponse(await waiting))}\n`);
  } catch (error) {
    if (!signal.aborted) throw error;
    response.destroy();
  }
}

function waitCondition(text: string): WaitCondition {
  const condition = text === '' ? 'not-running' : waitConditions.find((known) => known === text);
  if (condition === undefined) throw fail('invalid', `invalid condition: ${JSON.stringify(text.slice(0, 100))}`, { hint: `Conditions: ${waitConditions.join(', ')}` });
  return condition;
}

function waitResponse({ exitCode, error }: WaitResult): WaitResponse {
  return error === undefined || error === '' ? { StatusCode: exitCode } : { StatusCode: exitCode, Error: { Message: error } };
}

export async function logs(call: Call): Promise<void> {
  const { engine, query, response, apiMinor, signal } = call;
  const streams = wantedStreams(query);
  const { id, config } = engine.containers.get(parameterOf(call, 'id'));
  const range = { sinceNs: query.timeNs('since'), untilNs: query.timeNs('until'), tail: tailOf(query) };
  const entries = engine.containers.logs(id, { ...streams, ...range, follow: query.flag('follow'), signal });
  response.writeHead(200, { 'Content-Type': streamType(config.Tty, apiMinor) });
  response.flushHeaders();
  try {
    await sendOutput(response, decorated(entries, query), !config.Tty);
    response.end();
  } catch (error) {
    if (!signal.aborted) throw error;
    response.destroy();
  }
}

function wantedStreams(query: Query): { readonly stdout: boolean; readonly stderr: boolean } {
  const streams = { stdout: query.flag('stdout'), stderr: query.flag('stderr') };
  if (!streams.stdout && !streams.stderr) throw fail('invalid', 'Bad parameters: you must choose at least one stream');
  return streams;
}

/** A number of entries; `all`, nothing and what is no number: all of them. */
function tailOf(query: Query): number | undefined {
  const text = query.text('tail');
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Before each entry: its time and its details when asked for; without log options for labels and environment they are an empty word. */
async function* decorated(entries: AsyncIterable<LogEntry>, query: Query): AsyncIterable<OutputChunk> {
  const [hasTimes, hasDetails] = [query.flag('timestamps'), query.flag('details')];
  for await (const { stream, time, bytes, details } of entries) {
    const prefix = `${hasTimes ? `${withNanoseconds(time)} ` : ''}${hasDetails ? `${detailsInWords(details)} ` : ''}`;
    yield { stream, bytes: prefix === '' ? bytes : Buffer.concat([Buffer.from(prefix), bytes]) };
  }
}

/** `a=1,b=x+y`, sorted, written as in a URL's query. */
function detailsInWords(details: LogEntry['details'] = {}): string {
  return Object.keys(details).sort().map((name) => new URLSearchParams({ [name]: details[name]! }).toString()).join(',');
}

export async function attach(call: Call): Promise<void> {
  await attachTo(call, (attachment) => ({ socket: takeSocket(call.request, call.response, streamType(attachment.tty, call.apiMinor)), framed: !attachment.tty }));
}

/** The same over a WebSocket: without frames of Docker's, so that stdout and stderr are one stream. */
export async function attachWebSocket(call: Call): Promise<void> {
  const key = acceptKey(call.request);
  await attachTo(call, () => ({ socket: new WebSocketStream(takeWebSocket(call.request, call.response, key)), framed: false }));
}

async function attachTo({ engine, query, parameters, signal }: Call, take: (attachment: Attachment) => { readonly socket: Duplex; readonly framed: boolean }): Promise<void> {
  const detachKeys = parseDetachKeys(query.text('detachKeys'));
  const wanted = { stdin: query.flag('stdin'), stdout: query.flag('stdout'), stderr: query.flag('stderr'), logs: query.flag('logs'), stream: query.flag('stream') };
  const { id, config } = engine.containers.get(parameterOf({ parameters }, 'id'));
  const attachment = await engine.containers.attach(id, wanted);
  const { socket, framed } = take(attachment);
  await relay(socket, {
    attachment,
    framed,
    stdin: wanted.stdin && wanted.stream && config.OpenStdin,
    atEndOfInput: config.StdinOnce && !attachment.tty ? 'close' : 'leave',
    detachKeys: attachment.tty ? detachKeys : undefined,
    signal,
  });
}
