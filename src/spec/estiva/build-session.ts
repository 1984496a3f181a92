// A build session: over one connection, what a build asks of its client (a secret, its ssh agent, a terminal for a shell), each on a channel of its own.
// docs/decisions/0021 has the protocol; both sides are here.
import { Duplex } from 'node:stream';
import { decode, fail } from '../../base/index.ts';

export const sessionIdPattern = /^[0-9a-f]{32,64}$/;
/** BuildKit's. */
export const secretBytesMax = 500 << 10;

export interface ShellOffer {
  readonly what: 'shell';
  /** Of the step that failed. */
  readonly message: string;
  readonly exitCode: number | undefined;
  readonly lines: readonly (readonly [start: number, end: number])[];
}

/** `ssh?` only asks whether there is such an agent. */
export type SessionAsk = { readonly what: 'secret' | 'ssh' | 'ssh?'; readonly id: string } | ShellOffer;

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

const cells: decode.Decode<number> = (value, where) => {
  const count = decode.integer(value, where);
  if (count < 0 || count > 0xffff) throw fail('invalid', `${where}: expected a number of cells`);
  return count;
};
const terminalSize = decode.object<TerminalSize>({ rows: cells, columns: cells });

const kinds = ['open', 'data', 'end', 'refuse', 'size'] as const;
type Kind = (typeof kinds)[number];

const headBytes = 9;
const payloadBytesMax = 1 << 20;
const channelsMax = 1000;

/** The client said no, and why. */
export class Refused extends Error {}

function frameOf(channel: number, kind: Kind, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(headBytes - 4 + payload.length, 0);
  head.writeUInt32BE(channel, 4);
  head.writeUInt8(kinds.indexOf(kind), 8);
  return Buffer.concat([head, payload]);
}

interface Frame {
  readonly channel: number;
  readonly kind: Kind;
  readonly payload: Buffer;
}

/** @throws `invalid` for what is no frame */
async function* framesIn(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
  let left: Buffer = Buffer.alloc(0);
  for await (const piece of bytes) {
    left = left.length === 0 ? Buffer.from(piece) : Buffer.concat([left, piece]);
    while (left.length >= headBytes) {
      const length = left.readUInt32BE(0);
      const kind = kinds[left.readUInt8(8)];
      if (kind === undefined || length < headBytes - 4 || length > payloadBytesMax + headBytes - 4) throw fail('invalid', 'What came over the build session is no frame of it');
      if (left.length < 4 + length) break;
      yield { channel: left.readUInt32BE(4), kind, payload: left.subarray(headBytes, 4 + length) };
      left = left.subarray(4 + length);
    }
  }
}

/** `done` when there is room for more, or with what is wrong. */
type Send = (kind: Kind, payload: Uint8Array, done: (error?: Error) => void) => void;

const nothing = Buffer.alloc(0);
const unheard = (): void => undefined;

/** One of the conversations of a session. `size` is emitted on the side that shows a shell. */
export class Channel extends Duplex {
  readonly #send: Send;
  readonly #onClosed: () => void;
  #hasEnded = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(send: Send, onClosed: () => void) {
    super({ allowHalfOpen: true });
    this.#send = send;
    this.#onClosed = onClosed;
    // A failure is for who reads or writes; a channel that nobody looks at fails in silence.
    this.on('error', () => undefined);
  }

  /** Says no, and why. */
  refuse(why: string): void {
    this.#hasEnded = true;
    this.#send('refuse', Buffer.from(why), unheard);
    this.destroy();
  }

  resize(size: TerminalSize): void {
    this.#send('size', Buffer.from(JSON.stringify(size)), unheard);
  }

  /** What came for it; resolves when there is room for more. */
  async accept({ kind, payload }: Frame): Promise<void> {
    if (this.destroyed) return;
    if (kind === 'end') this.push(null);
    else if (kind === 'refuse') this.destroy(new Refused(payload.toString('utf8').slice(0, 1000)));
    else if (kind === 'size') this.emit('size', decode.decodeJson(payload.toString('utf8'), terminalSize));
    else if (kind === 'data' && !this.push(Buffer.from(payload))) {
      this.#drained = Promise.withResolvers();
      await this.#drained.promise;
    }
  }

  override _read(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    for (let at = 0; at < chunk.length; at += payloadBytesMax) this.#send('data', chunk.subarray(at, at + payloadBytesMax), at + payloadBytesMax < chunk.length ? unheard : done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#hasEnded = true;
    this.#send('end', nothing, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#drained?.resolve();
    this.#onClosed();
    if (!this.#hasEnded) this.#send('end', nothing, unheard);
    done(error);
  }
}

/** All channels of a connection. */
export class Channels {
  readonly #socket: Duplex;
  readonly #onOpen: (ask: unknown, channel: Channel) => void;
  readonly #open = new Map<number, Channel>();
  #next = 1;

  /** `onOpen`: hears what the other side asks; the side that only asks says that nothing may. */
  constructor(socket: Duplex, onOpen: (ask: unknown, channel: Channel) => void) {
    this.#socket = socket;
    this.#onOpen = onOpen;
    socket.setMaxListeners(0);
  }

  /** @throws `unavailable` when the connection is gone */
  open(ask: SessionAsk): Channel {
    if (this.#socket.destroyed) throw fail('unavailable', 'The client of the build has left');
    const channel = this.#channel(this.#next++);
    this.#send(this.#next - 1, 'open', Buffer.from(JSON.stringify(ask)), (error) => { if (error !== undefined) channel.destroy(error); });
    return channel;
  }

  /** Resolves when the connection has ended; nothing is open then. @throws `invalid` when the other side does not keep to the protocol */
  async run(): Promise<void> {
    try {
      for await (const frame of framesIn(this.#socket)) {
        if (frame.kind === 'open') this.#opened(frame);
        else await this.#open.get(frame.channel)?.accept(frame);
      }
    } finally {
      this.#socket.destroy();
      for (const channel of this.#open.values()) channel.destroy(fail('unavailable', 'The client of the build has left'));
    }
  }

  close(): void {
    this.#socket.end();
  }

  #opened({ channel: number, payload }: Frame): void {
    if (this.#open.size >= channelsMax || this.#open.has(number)) throw fail('invalid', 'The build session has too many channels');
    this.#onOpen(JSON.parse(payload.toString('utf8')), this.#channel(number));
  }

  #channel(number: number): Channel {
    const channel = new Channel((kind, payload, done) => this.#send(number, kind, payload, done), () => this.#open.delete(number));
    this.#open.set(number, channel);
    return channel;
  }

  #send(channel: number, kind: Kind, payload: Uint8Array, done: (error?: Error) => void): void {
    if (this.#socket.destroyed) return done(fail('unavailable', 'The build session has ended'));
    if (this.#socket.write(frameOf(channel, kind, payload))) return done();
    const go = (): void => {
      this.#socket.off('drain', go).off('close', go);
      done();
    };
    this.#socket.once('drain', go).once('close', go);
    return undefined;
  }
}
