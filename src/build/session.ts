// What a build asks of its client, as the steps need it. Nothing that is answered here is kept.
import { fail } from '../base/index.ts';
import { Channels, Refused, secretBytesMax, type Channel, type ShellOffer, type TerminalSize } from '../spec/estiva/build-session.ts';
import type { Duplex } from 'node:stream';
import type { RunTerminal } from './solver/ports.ts';

export class BuildSession {
  readonly #channels: Channels;

  constructor(socket: Duplex) {
    this.#channels = new Channels(socket, (_ask, channel) => channel.refuse('Only the daemon opens channels'));
  }

  /** Resolves when the client has left. @throws `invalid` when it does not keep to the protocol */
  async run(): Promise<void> {
    await this.#channels.run();
  }

  /** Undefined: the client has none. @throws `too_large`, `unavailable`, the signal's reason */
  async secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return await this.#answer(this.#channels.open({ what: 'secret', id }), signal, () => fail('too_large', `The secret ${JSON.stringify(id)} is larger than ${secretBytesMax} bytes`));
  }

  /** Whether the client has such an ssh agent. */
  async hasAgent(id: string, signal: AbortSignal): Promise<boolean> {
    return await this.#answer(this.#channels.open({ what: 'ssh?', id }), signal, () => fail('invalid', 'The answer about an ssh agent is too long')) !== undefined;
  }

  /** One connection to the agent. */
  connectAgent(id: string): Channel {
    return this.#channels.open({ what: 'ssh', id });
  }

  /** The terminal of whoever wants to look into a step that failed; undefined: nobody does. */
  async offerShell(offer: Omit<ShellOffer, 'what'>, signal: AbortSignal): Promise<RunTerminal | undefined> {
    const stream = this.#channels.open({ what: 'shell', ...offer });
    const { promise, resolve } = Promise.withResolvers<TerminalSize | undefined>();
    const leave = (): void => void stream.destroy();
    stream.once('size', resolve).once('close', () => resolve(undefined));
    signal.addEventListener('abort', leave);
    const size = await promise;
    signal.removeEventListener('abort', leave);
    return size === undefined ? undefined : { stream, size, onResize: (listener) => void stream.on('size', listener) };
  }

  async #answer(channel: Channel, signal: AbortSignal, tooLarge: () => Error): Promise<Uint8Array | undefined> {
    const leave = (): void => void channel.destroy(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    signal.throwIfAborted();
    signal.addEventListener('abort', leave);
    channel.end();
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const piece of channel as AsyncIterable<Uint8Array>) {
        length += piece.length;
        if (length > secretBytesMax) throw tooLarge();
        pieces.push(piece);
      }
    } catch (error) {
      if (error instanceof Refused) return undefined;
      throw error;
    } finally {
      signal.removeEventListener('abort', leave);
    }
    return Buffer.concat(pieces);
  }
}

/** Those that clients hold open, by their ids. */
export class BuildSessions {
  readonly #sessions = new Map<string, BuildSession>();

  /** Until the client leaves. @throws `conflict` when there is one of that id */
  async hold(id: string, socket: Duplex): Promise<void> {
    if (this.#sessions.has(id)) {
      socket.destroy();
      throw fail('conflict', 'There is a build session with this id already');
    }
    const session = new BuildSession(socket);
    this.#sessions.set(id, session);
    try {
      await session.run();
    } finally {
      this.#sessions.delete(id);
    }
  }

  /** @throws `invalid` when it is not there */
  get(id: string): BuildSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw fail('invalid', 'There is no such build session', { hint: 'Open it first, and keep its connection until the build has ended: POST /estiva/build-sessions/ID' });
    return session;
  }
}
