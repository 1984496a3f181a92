// Hijack: attach and exec turn their HTTP connection into a plain two-way stream. Two ways lead there, and both live only here:
// - `Upgrade: tcp`: Node hands us the socket at the request's head; we answer `101 UPGRADED`.
// - no Upgrade header (older clients): an ordinary request, answered with a hand-written `200 OK`; the HTTP parser is taken off the socket.
// Until a handler takes the socket, both are ordinary requests with an ordinary ServerResponse, so that errors are ordinary answers.
import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * The stream of an upgrade, and the bytes of it that came together with the request's head. When the request's body was still on its way, Node hands
 * out a stream of its own in front of the socket: only that one knows where the body ends.
 */
const upgrades = new WeakMap<ServerResponse, { readonly stream: Duplex; readonly head: Buffer }>();

/** For `createServer`: whether a request's Upgrade header is one that we take. Others are served as if they had none. */
export function isUpgrade(request: IncomingMessage): boolean {
  const [wanted, path] = [request.headers.upgrade?.toLowerCase(), (request.url ?? '').split('?', 1)[0]!];
  return (wanted === 'tcp' && /\/(attach|start|estiva\/build-sessions\/[^/]+)$/.test(path)) || (wanted === 'websocket' && path.endsWith('/attach/ws'));
}

/** Serves upgrade requests by `serve`, like all others. */
export function serveUpgrades(server: Server, serve: (request: IncomingMessage, response: ServerResponse) => void): void {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(stream as Socket);
    response.once('finish', () => stream.end(() => stream.destroy()));
    upgrades.set(response, { stream, head });
    serve(request, response);
  });
}

/** Takes the socket from HTTP and tells the client so. From here on nothing of node:http listens to it. */
export function takeSocket(request: IncomingMessage, response: ServerResponse, streamType: string): Duplex {
  const ourHeaders = Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}\r\n`).join('');
  const upgrade = upgrades.get(response);
  request.socket.setTimeout(0);
  if (upgrade === undefined) {
    const { socket } = request;
    response.detachSocket(socket);
    takeParserOff(socket);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n${ourHeaders}\r\n`);
    return socket;
  }
  const { stream, head } = upgrade;
  response.detachSocket(stream as Socket);
  stream.write(`HTTP/1.1 101 UPGRADED\r\nContent-Type: ${streamType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${ourHeaders}\r\n`);
  if (head.length > 0) stream.unshift(head);
  return stream;
}

/** Takes the socket of a request to upgrade to WebSocket; `accept` answers its key. */
export function takeWebSocket(request: IncomingMessage, response: ServerResponse, accept: string): Duplex {
  const upgrade = upgrades.get(response);
  if (upgrade === undefined) throw new Error('The request is no upgrade');
  const { stream, head } = upgrade;
  request.socket.setTimeout(0);
  response.detachSocket(stream as Socket);
  stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  if (head.length > 0) stream.unshift(head);
  return stream;
}

/** Takes the socket of an ordinary request whose answer the caller frames by itself; `headers` come after ours. */
export function takeSocketForAnswer(request: IncomingMessage, response: ServerResponse, headers: readonly string[]): Duplex {
  const { socket } = request;
  const ours = Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}`);
  socket.setTimeout(0);
  response.detachSocket(socket);
  takeParserOff(socket);
  socket.write(`HTTP/1.1 200 OK\r\n${[...ours, ...headers, `Date: ${new Date().toUTCString()}`].join('\r\n')}\r\n\r\n`);
  return socket;
}

/**
 * Node has no public way for this (measured on Node 26.10; a test holds it): the parser reads straight from the handle until unconsumed. It is not
 * collected as garbage either, and holds the request: it must be closed, later, because we may be called from within it.
 */
function takeParserOff(socket: Socket): void {
  const parsed = socket as Socket & { parser: { unconsume(): void; remove(): void; close(): void } | null };
  for (const event of ['data', 'end', 'close', 'drain', 'error', 'timeout']) socket.removeAllListeners(event);
  const { parser } = parsed;
  parsed.parser = null;
  if (parser === null) return;
  parser.unconsume();
  parser.remove();
  setImmediate(() => parser.close());
}
