// The Docker Engine API without a client library: one request on the unix socket, or a hijacked connection. What the docker client hides
// (status codes, bodies, framing) is tested here.
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { noteAnswer } from '../schemas/answers.ts';
import { patience } from './command.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json(): unknown;
}

export interface RequestSettings {
  readonly headers?: Record<string, string>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type Body = Record<string, unknown> | unknown[] | string | Uint8Array;

function encode(body: Body | undefined): { readonly payload: string | Uint8Array | undefined; readonly type: string } {
  if (body === undefined) return { payload: undefined, type: 'application/json' };
  if (body instanceof Uint8Array) return { payload: body, type: 'application/x-tar' };
  return { payload: typeof body === 'string' ? body : JSON.stringify(body), type: 'application/json' };
}

function options(socketPath: string, method: string, path: string, headers: Record<string, string>): RequestOptions {
  return { socketPath, method, path, agent: false, headers: { Host: 'docker', ...headers } };
}

async function collect(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text, json: () => JSON.parse(text) as unknown };
}

/** One request, its whole answer. */
export function http(socketPath: string, method: string, path: string, body?: Body, settings: RequestSettings = {}): Promise<Answer> {
  const { payload, type } = encode(body);
  return new Promise((resolve, reject) => {
    const sent = request({
      ...options(socketPath, method, path, { ...(payload !== undefined && { 'Content-Type': type, 'Content-Length': String(payload.length === 0 ? 0 : Buffer.byteLength(payload)) }), ...settings.headers }),
      timeout: (settings.timeoutMs ?? 30_000) * patience, ...(settings.signal && { signal: settings.signal }),
    });
    sent.on('timeout', () => sent.destroy(new Error(`No answer in time: ${method} ${path}`)));
    sent.on('response', (response) => { collect(response).then(noted(method, path)).then(resolve, reject); });
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** Kept, to be laid beside the API's description after the run. */
function noted(method: string, path: string): (answer: Answer) => Answer {
  return (answer) => {
    noteAnswer({ method, path, status: answer.status, contentType: answer.headers['content-type'] ?? '', text: answer.text });
    return answer;
  };
}

/** The answer's head, its body still to be read: for streams that do not end. */
export function stream(socketPath: string, method: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(options(socketPath, method, path, {})).on('response', resolve).on('error', reject).end();
  });
}

export interface Hijacked {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly socket: Socket;
  /** All bytes to the end of the connection. */
  rest(): Promise<Buffer>;
}

/** A connection that becomes a raw stream in both directions (attach, exec start). Rejects with the answer's text when it does not. */
export function hijack(socketPath: string, path: string, body?: Record<string, unknown>): Promise<Hijacked> {
  const payload = body === undefined ? '' : JSON.stringify(body);
  const headers = { Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(payload)) };
  return new Promise((resolve, reject) => {
    const sent = request(options(socketPath, 'POST', path, headers));
    sent.on('upgrade', (response, socket: Socket, head) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, socket, rest: () => toEnd(socket, head) });
    });
    sent.on('response', (response) => {
      collect(response).then((answer) => { reject(new Error(`Not hijacked: ${answer.status} ${answer.text}`)); }, reject);
    });
    sent.on('error', reject);
    sent.end(payload);
  });
}

async function toEnd(socket: Socket, head: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [head];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Takes apart Docker's frames: 1 byte stream, 3 of zero, 4 of length, then the bytes. */
export function frames(bytes: Buffer): { readonly stdout: string; readonly stderr: string; readonly count: number } {
  const parts: [Buffer[], Buffer[]] = [[], []];
  let count = 0;
  for (let at = 0; at < bytes.length; count += 1) {
    if (bytes.length - at < 8) throw new Error(`A frame's head is cut short at ${at} of ${bytes.length}`);
    const length = bytes.readUInt32BE(at + 4);
    if (at + 8 + length > bytes.length) throw new Error(`A frame of ${length} bytes is cut short at ${at} of ${bytes.length}`);
    parts[bytes[at] === 2 ? 1 : 0].push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { stdout: Buffer.concat(parts[0]).toString(), stderr: Buffer.concat(parts[1]).toString(), count };
}
