// The public face of the client: `import { connect } from 'estiva/client'`.
//
//   using docker = connect();
//   for (const { Id, State } of await listContainers(docker, { all: true })) console.log(Id, State);
//   for await (const { stream, bytes } of followLogs(docker, 'web')) process[stream].write(bytes);
import { demultiplexer, type StreamName } from './demultiplex.ts';
import { containerLogs, inspectContainer, type LogsOptions } from './containers.ts';
import { openDocker, type Docker } from './docker.ts';
import { parseHost, type TlsSettings } from './host.ts';
import type { Answer } from './http.ts';

/** Spoken by dockerd 27.3 and later and by Estiva. */
export const apiVersionDefault = '1.47';

export interface ConnectOptions {
  /** `unix:///path/of/socket` or `tcp://127.0.0.1:port`; with `tls` any host. Unless given: ESTIVA_HOST, then DOCKER_HOST, then Estiva's own socket. */
  readonly host?: string;
  /** Keys, as PEM; the variables of Docker for TLS are not looked at. */
  readonly tls?: TlsSettings;
  /** The version of the API that requests name. */
  readonly apiVersion?: string;
}

/**
 * A client of one daemon, Estiva's or a dockerd. Nothing is connected yet: the first request does that, and fails when no daemon answers.
 * Disposing leaves every request that is still open.
 */
export function connect(options: ConnectOptions = {}): Docker {
  const { ESTIVA_HOST: own, DOCKER_HOST: other } = process.env;
  return openDocker({ host: parseHost(options.host ?? (own || other || 'unix:///run/estiva/estiva.sock'), options.tls), apiVersion: options.apiVersion ?? apiVersionDefault });
}

export interface LogChunk {
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}

/** A container's log, and with `follow` (unless given: yes) what comes, until it ends. Leaving the loop leaves the request. */
export async function* followLogs(docker: Docker, container: string, options: Partial<LogsOptions> = {}): AsyncGenerator<LogChunk> {
  const { Config: config } = await inspectContainer(docker, container);
  const answer = await containerLogs(docker, container, { stdout: true, stderr: true, follow: true, timestamps: false, details: false, ...options });
  yield* chunksOf(answer, config.Tty);
}

/** The pushes of a connection as a loop; a push waits until the loop has taken the one before. */
async function* chunksOf(answer: Answer, isTty: boolean): AsyncGenerator<LogChunk> {
  const { readable, writable } = new TransformStream<LogChunk, LogChunk>();
  const writer = writable.getWriter();
  let writing = Promise.resolve();
  const push = (stream: StreamName, bytes: Buffer): void => { writing = writer.write({ stream, bytes: Buffer.from(bytes) }); };
  const feed = isTty ? (bytes: Buffer) => push('stdout', bytes) : demultiplexer(push);
  const reading = answer.read((bytes) => {
    feed(bytes);
    return writing;
  }).then(() => writer.close(), (error: unknown) => writer.abort(error));
  reading.catch(() => undefined); // the loop was left: nobody is there to be told
  try {
    yield* readable;
  } finally {
    answer.close();
  }
}
