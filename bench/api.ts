// The Engine API with as little of our own time in it as possible: kept-alive connections on the unix socket.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Connection, type Reply } from './connection.ts';

export class Api {
  #connections: readonly Connection[] = [];
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Any status is a reply; `expect` is one that must come, or the bench has failed. */
  async send(method: string, path: string, body?: Record<string, unknown>, expect: readonly number[] = [200, 201, 204]): Promise<Reply> {
    const reply = await this.#idle().send(method, path, body === undefined ? '' : JSON.stringify(body));
    if (!expect.includes(reply.status)) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply;
  }

  #idle(): Connection {
    this.#connections = this.#connections.filter(({ isOpen }) => isOpen);
    const idle = this.#connections.find(({ isBusy }) => !isBusy) ?? new Connection(this.#socketPath);
    if (!this.#connections.includes(idle)) this.#connections = [...this.#connections, idle];
    return idle;
  }

  /** Sends a body of many megabytes, in chunks as Docker's client does. */
  async upload(method: string, path: string, body: Buffer): Promise<void> {
    const sent = request({ socketPath: this.#socketPath, agent: false, method, path, headers: { 'Host': 'docker', 'Content-Type': 'application/x-tar' } });
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    await pipeline(Readable.from(piecesOf(body)), sent);
    const [response] = await answered;
    const text = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString();
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
  }

  /** Reads a stream to its end and counts its bytes. */
  drain(method: string, path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socketPath, agent: false, method, path, headers: { Host: 'docker' } }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => { bytes += chunk.length; });
        response.on('end', () => { resolve(bytes); });
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  async create(command: readonly string[], image: string): Promise<string> {
    const reply = await this.send('POST', '/containers/create', { Image: image, Cmd: command, HostConfig: { NetworkMode: 'none' } });
    return (JSON.parse(reply.text) as { Id: string }).Id;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

const pieceBytes = 1 << 20;

function* piecesOf(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
