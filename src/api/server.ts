// The API's server: from a connection to a call, from a call to its route, and from whatever a handler throws to an answer.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { fail, isFail } from '../base/index.ts';
import type { Engine } from '../engine/index.ts';
import { answerError } from './answer.ts';
import { apiVersion, splitVersion } from './api-version.ts';
import { bodyIdleMs } from './body.ts';
import type { Call } from './call.ts';
import { isUpgrade, serveUpgrades } from './hijack.ts';
import { Query } from './query.ts';
import { findRoute } from './routes.ts';
import { listenOn } from './socket.ts';

/** A connection that has not sent a request's head by then is closed. */
const headersMs = 10_000;
/** How long requests that are being served may go on when the server closes. */
const closingMs = 2000;

export interface ServeOptions {
  readonly engine: Engine;
  readonly socketPath: string;
  /** Estiva's version, for `GET /version`. */
  readonly version: string;
  readonly log: Logger;
}

/** The Docker Engine API on a unix socket. Disposing ends streams and waits, lets short calls finish and removes the socket. */
export async function serve({ engine, socketPath, version, log }: ServeOptions): Promise<AsyncDisposable> {
  const closing = new AbortController();
  const server = createServer({
    shouldUpgradeCallback: isUpgrade,
    headersTimeout: headersMs,
    connectionsCheckingInterval: headersMs / 5,
    requestTimeout: 0, // archives take as long as they take: a body is only forbidden to stand still (body.ts)
    keepAliveTimeout: 0, // closing an idle connection races with the client's next request; on a unix socket a dead client is seen at once
  });
  const answer = (request: IncomingMessage, response: ServerResponse) => void serveOne(request, response, { engine, version, log, closing: closing.signal });
  server.on('request', answer);
  serveUpgrades(server, answer);
  const sockets = socketsOf(server);
  await listenOn(server, socketPath);
  server.on('error', (error) => log.error({ err: error }, 'Cannot accept a connection')); // out of descriptors: the next one may fare better
  log.info({ socketPath }, 'API is listening');
  return { [Symbol.asyncDispose]: () => close(server, sockets, closing) };
}

interface Context {
  readonly engine: Engine;
  readonly version: string;
  readonly log: Logger;
  readonly closing: AbortSignal;
}

async function serveOne(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { log } = context;
  const startedAt = performance.now();
  const about = { method: request.method, url: request.url };
  for (const [name, value] of commonHeaders(context.version)) response.setHeader(name, value);
  try {
    await dispatch(request, response, context);
    log.debug({ ...about, status: response.statusCode, ms: Math.round(performance.now() - startedAt) }, 'served');
  } catch (error) {
    if (isFail(error)) log.debug({ ...about, kind: error.kind, reason: error.message }, 'refused');
    else log.error({ ...about, err: error }, 'A bug: the request ended in an error that was not foreseen');
    // Who wants the connection closed is still sending, and would meet a closed one in the middle: it is heard out first.
    if (!response.shouldKeepAlive) await restDropped(request);
    answerError(response, error);
  } finally {
    dropRest(request);
  }
}

/** Resolves when the body has been read and dropped, or its client is gone. */
async function restDropped(request: IncomingMessage): Promise<void> {
  dropRest(request);
  if (!request.complete && !request.destroyed) await new Promise((resolve) => request.once('end', resolve).once('close', resolve));
}

/** What a handler has left of the body is read and dropped, so that a client that is still sending gets its answer and can ask again. */
function dropRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  socket.setTimeout(bodyIdleMs); // then node:http closes it
  request.once('end', () => socket.setTimeout(0));
  request.resume();
}

async function dispatch(request: IncomingMessage, response: ServerResponse, { engine, version, log, closing }: Context): Promise<void> {
  const [target = '', ...search] = (request.url ?? '').split('?');
  const { minor, rest } = splitVersion(target);
  const { handler, parameters } = findRoute(request.method ?? '', rest);
  const call: Call = {
    engine, version, log, request, response, apiMinor: minor, parameters, query: new Query(search.join('?')), closing,
    get signal() { return signalOf(response, closing); },
  };
  await handler(call);
}

/** Made when a handler first asks: most never do, and it is dearer than all else that a short call makes. */
function signalOf(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const hungUp = new AbortController();
  if (response.destroyed) hungUp.abort(clientLeft);
  else response.once('close', () => hungUp.abort(clientLeft));
  return AbortSignal.any([hungUp.signal, closing]);
}

/** Of every call's end, also a good one. One for all: left to itself, the platform makes an exception with a stack for each. */
const clientLeft = fail('unavailable', 'The client hung up');

function commonHeaders(version: string): readonly (readonly [name: string, value: string])[] {
  return [['Api-Version', apiVersion], ['Docker-Experimental', 'false'], ['Ostype', 'linux'], ['Server', `Estiva/${version} (linux)`]];
}

/** All connections, also those that were taken over: node:http forgets about them. */
function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

async function close(server: Server, sockets: ReadonlySet<Socket>, closing: AbortController): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  closing.abort();
  const sweep = setInterval(() => server.closeIdleConnections(), 20); // as they become idle
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, closingMs);
  await closed;
  clearTimeout(timer);
  clearInterval(sweep);
}
