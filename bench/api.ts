// The Engine API with as little of our own time in it as possible: one kept-alive connection on the unix socket.
import { Agent, request } from 'node:http';

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
