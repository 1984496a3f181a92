// A connection to one daemon: requests with JSON in and out, streams, and hijacked connections. Idle connections are kept and used again
// (the daemon's keep-alive), so that a command's few requests cost one connect. Errors of the daemon come as DaemonError.
import type { Socket } from 'node:net';
import { fail, messageOf } from '../base/index.ts';
import type { Host } from './host.ts';
import { exchange, openSocket, type Answer, type Request } from './http.ts';

/** The daemon answered with a status of 400 or above; `message` is the daemon's own sentence. */
export class DaemonError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'DaemonError';
    this.status = status;
  }
}

export function isDaemonError(error: unknown, status?: number): error is DaemonError {
  return error instanceof DaemonError && (status === undefined || error.status === status);
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly upload?: { readonly bytes: AsyncIterable<Uint8Array>; readonly contentType: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** Leaves the request when aborted. */
  readonly signal?: AbortSignal;
}

/** A hijacked connection: `early` bytes came first, then what `socket` brings; ending the socket's writing half says end of stdin. */
export interface Hijacked {
  readonly socket: Socket;
  readonly early: Buffer;
}

export interface Docker extends Disposable {
  readonly host: Host;
  /** @throws DaemonError; `unavailable` when no daemon answers. */
  call(method: Request['method'], path: string, options?: CallOptions): Promise<Answer>;
  /** The JSON body of the answer (undefined when it has none). */
  json<T>(method: Request['method'], path: string, options?: CallOptions): Promise<T>;
  hijack(path: string, options?: CallOptions): Promise<Hijacked>;
}

export interface DockerOptions {
  readonly host: Host;
  /** `1.44`: the version that requests name. */
  readonly apiVersion: string;
  /** Called once when nothing listens at the host; afterwards connecting is tried again. */
  readonly wake?: () => Promise<void>;
}

/** How long an idle connection is trusted: daemons close theirs after 5 s and more. */
const idleMsMax = 3000;

export function openDocker({ host, apiVersion, wake }: DockerOptions): Docker {
  const idle: { readonly socket: Socket; readonly since: number; readonly drop: () => void }[] = [];
  const open = new Set<Socket>();
  let wakeOnce = wake;

  const openTracked = async (): Promise<Socket> => {
    const socket = await openSocket(host);
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    return socket;
  };
  const connect = async (): Promise<Socket> => {
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      kept.socket.off('close', kept.drop).off('error', kept.drop).off('end', kept.drop).ref();
      if (!kept.socket.destroyed && kept.socket.writable && Date.now() - kept.since < idleMsMax) return kept.socket;
      kept.socket.destroy();
    }
    try {
      return await openTracked();
    } catch (error) {
      if (wakeOnce === undefined || !isAbsent(error)) throw cannotConnect(host, error);
      const wake = wakeOnce;
      wakeOnce = undefined;
      await wake();
      return openTracked().catch((again: unknown) => { throw cannotConnect(host, again); });
    }
  };
  const keep = (socket: Socket): void => {
    const drop = (): void => { socket.destroy(); };
    socket.on('error', drop).on('end', drop).on('close', drop).resume().unref();
    idle.push({ socket, since: Date.now(), drop });
  };
  const send = async (request: Request, signal: AbortSignal | undefined): Promise<Answer> => {
    const socket = await connect();
    const leave = (): void => { socket.destroy(signal?.reason instanceof Error ? signal.reason : undefined); };
    signal?.addEventListener('abort', leave, { once: true });
    return exchange(socket, request, () => { signal?.removeEventListener('abort', leave); keep(socket); });
  };
  const call: Docker['call'] = async (method, path, options = {}) => {
    const answer = await send(requestOf(method, `/v${apiVersion}${path}`, options, options.headers ?? {}), options.signal);
    if (answer.status >= 400) throw await daemonError(answer);
    return answer;
  };
  return {
    host,
    call,
    json: async <T>(...args: Parameters<Docker['call']>) => {
      const text = await textOf(await call(...args));
      // Here the daemon's JSON takes its type: it is the API's contract.
      return (text.trim() === '' ? undefined : JSON.parse(text)) as T;
    },
    async hijack(path, options = {}) {
      const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };
      const answer = await send(requestOf('POST', `/v${apiVersion}${path}`, options, upgrade), options.signal);
      if (answer.status >= 400) throw await daemonError(answer);
      return answer.takeOver();
    },
    /** Leaves every request that is still open. */
    [Symbol.dispose]() { for (const socket of open) socket.destroy(); },
  };
}

function requestOf(method: Request['method'], path: string, { query, body, upload }: CallOptions, extra: Readonly<Record<string, string>>): Request {
  const headers: Record<string, string> = { Host: 'docker', 'User-Agent': 'estiva', ...extra };
  const question = queryText(query ?? {});
  const target = question === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${question}`;
  if (upload !== undefined) return { method, path: target, headers: { ...headers, 'Content-Type': upload.contentType }, body: upload.bytes };
  if (body === undefined) return { method, path: target, headers };
  return { method, path: target, headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** Docker's booleans are 1 and 0; what is undefined or empty is left out. */
function queryText(query: Query): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '' || value === false) continue;
    parts.push(`${name}=${encodeURIComponent(value === true ? '1' : String(value))}`);
  }
  return parts.join('&');
}

/** The answer's whole body as text. */
export async function textOf(answer: Answer): Promise<string> {
  const parts: Buffer[] = [];
  await answer.read((bytes) => { parts.push(bytes); });
  return Buffer.concat(parts).toString();
}

/** Calls `onMessage` for each JSON value of a stream of them, one a line; `parse` for values that JSON.parse alone would round. */
export async function readJsonLines(answer: Answer, onMessage: (message: unknown) => void, parse: (line: string) => unknown = JSON.parse): Promise<void> {
  const take = jsonLines(onMessage, parse);
  await answer.read(take);
  take(Buffer.from('\n'));
}

/** The same of bytes as they come; a line end is the end of the last message. */
export function jsonLines(onMessage: (message: unknown) => void, parse: (line: string) => unknown = JSON.parse): (bytes: Uint8Array) => void {
  let rest = '';
  const decoder = new TextDecoder();
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') onMessage(parse(line));
  };
}

async function daemonError(answer: Answer): Promise<DaemonError> {
  const text = await textOf(answer);
  return new DaemonError(answer.status, messageIn(text) ?? (text.trim() || `The daemon answered with status ${answer.status}`));
}

function messageIn(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string' ? body.message : undefined;
  } catch (error) {
    // Not JSON: a proxy or an old daemon answered in plain text, which is then shown as it is.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED'].includes(codeOf(error));
}

function cannotConnect(host: Host, cause: unknown): Error {
  if (codeOf(cause) === 'EACCES') {
    return fail('denied', `permission denied while trying to connect to the Docker daemon socket at ${host.text}`, { hint: 'Run the command as root, or join the group that the socket belongs to', cause });
  }
  const code = codeOf(cause);
  if (host.kind === 'tcp' && host.tls !== undefined && /CERT|SIGNATURE|ISSUER|SSL|TLS/.test(code)) {
    return fail('denied', `The daemon at ${host.text} and this client do not believe each other: ${messageOf(cause)}`, { hint: 'ca.pem must be of who signed the daemon\'s certificate for that name, cert.pem and key.pem of whom the daemon believes', cause });
  }
  return fail('unavailable', `Cannot connect to the Docker daemon at ${host.text}. Is the docker daemon running?`, { cause });
}
