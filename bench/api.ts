// The Engine API with as little of our own time in it as possible: one kept-alive connection on the unix socket.
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Reply {
  readonly status: number;
  readonly text: string;
}

export class Api {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Any status is a reply; `expect` is one that must come, or the bench has failed. */
  async send(method: string, path: string, body?: Record<string, unknown>, expect: readonly number[] = [200, 201, 204]): Promise<Reply> {
    const reply = await this.#send(method, path, body);
    if (!expect.includes(reply.status)) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply;
  }

  #send(method: string, path: string, body: Record<string, unknown> | undefined): Promise<Reply> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? { Host: 'docker' } : { Host: 'docker', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) };
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socketPath, agent: this.#agent, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('latin1') }); });
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(payload);
    });
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
    this.#agent.destroy();
  }
}

const pieceBytes = 1 << 20;

function* piecesOf(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
