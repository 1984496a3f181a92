// Ports that are published by a socket of the daemon: it listens, and copies to the container's address and back. To the machine's firewall that is one of
// its own programs (INPUT rules, ufw), and the two sides need not be of one family.
import { fail, isFail } from '../../../base/index.ts';
import { errnoSentence, isKernelError, type Readiness } from '../../../kernel/index.ts';
import type { Forward } from '../fabric.ts';
import { DatagramRelay } from './datagrams.ts';
import { StreamRelay } from './streams.ts';

/** Each is some 30 microseconds. */
const relaysPerTurn = 32;

export class Relays implements Disposable {
  readonly #readiness: Readiness;
  readonly #open = new Map<string, Disposable>();
  readonly #waiting = new Map<string, Forward>();
  #opening: NodeJS.Immediate | undefined;

  constructor(readiness: Readiness) {
    this.#readiness = readiness;
  }

  /** All or none. @throws `conflict` when somebody listens there, `unsupported` for sctp */
  open(forwards: readonly Forward[]): void {
    using undo = new DisposableStack();
    for (const forward of forwards.filter((one) => !this.#open.has(keyOf(one)))) {
      this.#open.set(keyOf(forward), this.#listen(forward));
      undo.defer(() => this.close([forward]));
    }
    undo.move();
  }

  /** Some in each turn of the event loop. Where somebody else listens, or where this machine has no such address, there is none. */
  openSoon(forwards: readonly Forward[]): void {
    for (const forward of forwards) this.#waiting.set(keyOf(forward), forward);
    if (this.#waiting.size > 0) this.#opening ??= setImmediate(() => this.#openSome());
  }

  #openSome(): void {
    this.#opening = undefined;
    for (const forward of this.#waiting.values().take(relaysPerTurn)) {
      this.#waiting.delete(keyOf(forward));
      try {
        this.open([forward]);
      } catch (error) {
        if (!isFail(error, 'conflict') && !isKernelError(error)) throw error;
      }
    }
    this.openSoon([]);
  }

  close(forwards: readonly Forward[]): void {
    for (const key of forwards.map(keyOf)) {
      this.#waiting.delete(key);
      this.#open.get(key)?.[Symbol.dispose]();
      this.#open.delete(key);
    }
  }

  /** These, and no others. Those that are open already go on. */
  replace(forwards: readonly Forward[], soon: readonly Forward[]): void {
    const wanted = new Set([...forwards, ...soon].map(keyOf));
    for (const [key, relay] of this.#open) {
      if (wanted.has(key)) continue;
      relay[Symbol.dispose]();
      this.#open.delete(key);
    }
    this.open(forwards);
    this.openSoon(soon);
  }

  #listen(forward: Forward): Disposable {
    try {
      if (forward.protocol === 'tcp') return new StreamRelay(forward);
      if (forward.protocol === 'udp') return new DatagramRelay(forward, this.#readiness);
    } catch (error) {
      if (!isKernelError(error, 'EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES')) throw error;
      throw fail('conflict', `failed to bind host port ${nameOf(forward)}: ${sentences[error.code] ?? errnoSentence(error.code)}`, { cause: error });
    }
    throw fail('unsupported', `Cannot publish ${nameOf(forward)} through a socket: there are no sockets for sctp in this engine`, { hint: 'Publish it without the mode host-socket' });
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#opening);
    for (const relay of this.#open.values()) relay[Symbol.dispose]();
    this.#open.clear();
  }
}

/** As dockerd says them. */
const sentences: Readonly<Record<string, string>> = { EADDRINUSE: 'address already in use', EADDRNOTAVAIL: 'cannot assign requested address' };

function keyOf(forward: Forward): string {
  const { protocol, hostAddress, hostPort, containerAddress, containerPort } = forward;
  return [protocol, hostAddress, hostPort, containerAddress, containerPort].join(' ');
}

function nameOf({ protocol, hostAddress, hostPort, containerAddress, containerPort }: Forward): string {
  return `${hostAddress.includes(':') ? `[${hostAddress}]` : hostAddress}:${hostPort}:${containerAddress}:${containerPort}/${protocol}`;
}
