// HTTP/1.1 as far as the Docker Engine API needs it, on node:net: for the two requests of a small command it costs 8 ms of CPU less than
// node:http, a fifth of the command line's whole budget (docs/decisions/0007-own-http-client.md). One connection carries one request at a time;
// `exchange` sends a request and resolves when the answer's head is there; the body is then read once, or, after an upgrade, the bare socket
// is taken over.
import { connect, isIP, type Socket } from 'node:net';
import { bodyUntilClose, chunkedBody, countedBody, type BodyFraming } from './body.ts';
import type { Host, TlsSettings } from './host.ts';

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text is sent with its length, a stream in chunks. */
  readonly body?: string | AsyncIterable<Uint8Array>;
}

/** Takes body bytes; a promise holds the connection back until it resolves. */
export type Sink = (bytes: Buffer) => void | Promise<void>;

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Reads the body to its end, once. */
  read(sink: Sink): Promise<void>;
  /** Takes the socket over after an upgrade; `early` bytes came together with the head. */
  takeOver(): { readonly socket: Socket; readonly early: Buffer };
  /** Leaves: closes the connection without reading on. */
  close(): void;
}

const headBytesMax = 64 * 1024;

/** Opens a socket to `host`. @throws the socket's own error (ENOENT, ECONNREFUSED, EACCES …). */
export function openSocket(host: Host): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const isSecure = host.kind === 'tcp' && host.tls !== undefined;
  const socket = isSecure ? secureSocket(host, host.tls) : connect(host.kind === 'unix' ? { path: host.path, allowHalfOpen: true } : { host: host.hostname, port: host.port, noDelay: true, allowHalfOpen: true });
  socket.once('error', reject);
  socket.once(isSecure ? 'secureConnect' : 'connect', () => { socket.off('error', reject); resolve(socket); });
  return promise;
}

function secureSocket({ hostname, port }: Extract<Host, { kind: 'tcp' }>, { ca, cert, key, isVerified }: TlsSettings): Socket {
  // Loaded when it is needed: at the top it would cost every command some milliseconds.
  const tls = process.getBuiltinModule('node:tls');
  // In an object of its own: the types do not know allowHalfOpen.
  const options = {
    host: hostname, port, allowHalfOpen: true, rejectUnauthorized: isVerified, servername: isIP(hostname) === 0 ? hostname : '',
    ...ca === undefined ? {} : { ca: Buffer.from(ca) }, ...cert === undefined ? {} : { cert: Buffer.from(cert) }, ...key === undefined ? {} : { key: Buffer.from(key) },
  };
  return tls.connect(options).setNoDelay();
}

/**
 * Sends `request` on `socket`, and resolves with the answer when its head has come. `onIdle` is called when the answer has been read to its
 * end and the connection can carry another request.
 */
export function exchange(socket: Socket, request: Request, onIdle: () => void): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let received: Buffer = Buffer.alloc(0);
  const upload: Upload = { isRefused: false, isDone: false };
  const stop = (): void => { socket.off('data', onData).off('error', onError).off('end', onEnd).off('close', onEnd); };
  const onError = (error: Error): void => { stop(); socket.destroy(); reject(error); };
  const onEnd = (): void => onError(new Error('The daemon closed the connection without an answer'));
  const onData = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) { if (received.length > headBytesMax) onError(new Error("The daemon's answer is broken: a head without end")); return; }
    stop();
    socket.pause();
    const head = parseHead(received.toString('latin1', 0, end));
    if (head === undefined) return onError(new Error("The daemon's answer is not HTTP"));
    upload.isRefused = head.status >= 400;
    resolve(answer(socket, request, head, received.subarray(end + 4), () => (upload.isDone ? onIdle() : socket.destroy())));
  };
  socket.on('data', onData).on('error', onError).on('end', onEnd).on('close', onEnd);
  socket.resume();
  send(socket, request, upload).catch(onError);
  return promise;
}

/** How the sending of a body stands. A daemon that has already refused is spared the rest; the connection is then of no more use. */
interface Upload {
  isRefused: boolean;
  isDone: boolean;
}

async function send(socket: Socket, request: Request, upload: Upload): Promise<void> {
  const { body } = request;
  const lines = [`${request.method} ${request.path} HTTP/1.1`];
  for (const [name, value] of Object.entries(request.headers)) lines.push(`${name}: ${value}`);
  if (typeof body === 'string') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  else if (body !== undefined) lines.push('Transfer-Encoding: chunked');
  else if (request.method === 'POST' || request.method === 'PUT') lines.push('Content-Length: 0');
  socket.write(`${lines.join('\r\n')}\r\n\r\n${typeof body === 'string' ? body : ''}`);
  if (body !== undefined && typeof body !== 'string') await sendChunks(socket, body, upload);
  upload.isDone = !upload.isRefused;
}

async function sendChunks(socket: Socket, body: AsyncIterable<Uint8Array>, upload: Readonly<Upload>): Promise<void> {
  for await (const chunk of body) {
    if (socket.destroyed || upload.isRefused) return;
    if (chunk.length === 0) continue;
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`);
    socket.write(chunk);
    const isRoom = socket.write('\r\n');
    socket.uncork();
    if (!isRoom) await roomIn(socket);
  }
  socket.write('0\r\n\r\n');
}

/** Resolves when `socket` can take more, or is closed. */
function roomIn(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => { socket.off('drain', done).off('close', done); resolve(); };
    socket.on('drain', done).on('close', done);
  });
}

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

function parseHead(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(status), headers };
}

function framingOf(request: Request, { status, headers }: Head): BodyFraming {
  if (request.method === 'HEAD' || status === 204 || status === 304) return countedBody(0);
  if (headers.get('transfer-encoding')?.toLowerCase().includes('chunked')) return chunkedBody();
  const length = headers.get('content-length');
  return length === undefined ? bodyUntilClose() : countedBody(Number(length));
}

function answer(socket: Socket, request: Request, head: Head, early: Buffer, onIdle: () => void): Answer {
  return {
    ...head,
    read: (sink) => readBody(socket, framingOf(request, head), early, sink).then(() => {
      if (head.headers.get('connection')?.toLowerCase() === 'close' || socket.readableEnded) socket.destroy();
      else onIdle();
    }),
    takeOver: () => ({ socket, early }),
    close: () => { socket.destroy(); },
  };
}

function readBody(socket: Socket, framing: BodyFraming, early: Buffer, sink: Sink): Promise<void> {
  return new Promise((resolve, reject) => {
    let waiting: Promise<void> | undefined;
    const stop = (): void => { socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError); socket.pause(); };
    const onError = (error: unknown): void => { stop(); socket.destroy(); reject(error instanceof Error ? error : new Error(String(error))); };
    const onEnd = (): void => {
      if (!framing.endsWithConnection) return onError(new Error('The daemon closed the connection in the middle of its answer'));
      stop();
      resolve(waiting);
    };
    const emit = (bytes: Buffer): void => {
      const later = waiting === undefined ? sink(bytes) : waiting.then(() => sink(bytes));
      if (later !== undefined) waiting = later;
    };
    const hold = (held: Promise<void>): void => {
      socket.pause();
      held.then(() => { if (waiting === held) waiting = undefined; if (waiting === undefined) socket.resume(); }, onError);
    };
    const onData = (chunk: Buffer): void => {
      try {
        framing.feed(chunk, emit);
      } catch (error) { return onError(error); }
      if (framing.isDone) { stop(); resolve(waiting); } else if (waiting !== undefined) hold(waiting);
    };
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
    onData(early);
    if (!framing.isDone && waiting === undefined) socket.resume();
  });
}
