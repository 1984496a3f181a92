// Questions that somebody else must answer: kept answers first, one question for all who ask the same at once, and a limit on what each container may have asked.
import type { ContainerId } from '../../base/index.ts';
import type { Readiness, SocketAddress } from '../../kernel/index.ts';
import { ask, type Place, type Transport } from './ask.ts';
import { Cache } from './cache.ts';
import { askInTurn } from './in-turn.ts';
import { answerTo, encodeAnswer, RCODE, type Answer, type Query } from './message.ts';

/** A container's questions that wait for servers. More are refused, so that one container takes neither descriptors nor time from the others. */
export const waitingPerContainerMax = 128;
/** All containers' together: each holds a socket or two. */
const waitingMax = 2048;

/** Whom a container's questions go to. */
export interface Route {
  readonly servers: readonly SocketAddress[];
  readonly place: Place;
  /** Those with the same one share answers. */
  readonly shared: string;
  /** They are asked no longer. */
  readonly signal: AbortSignal;
}

export class Forwarder {
  readonly #readiness: Readiness;
  readonly #cache = new Cache();
  readonly #underWay = new Map<string, Promise<Answer | undefined>>();
  readonly #waiting = new Map<ContainerId, number>();

  constructor(readiness: Readiness) {
    this.#readiness = readiness;
  }

  /** The bytes for the client, under its id; an error of DNS when nobody answers. Never rejects. */
  async answer(asker: ContainerId, query: Query, transport: Transport, route: Route): Promise<Buffer> {
    const key = `${route.shared} ${query.type} ${query.class} ${query.edns === undefined ? '-' : Number(query.edns.dnssecOk)} ${Number(query.checkingDisabled)} ${query.name}`;
    const kept = this.#cache.get(key);
    if (kept !== undefined) return answerTo(query, kept.answer, kept.ageSeconds);
    const waiting = this.#waiting.get(asker) ?? 0;
    if (waiting >= waitingPerContainerMax || this.#underWay.size >= waitingMax) return encodeAnswer(query, RCODE.serverFailure);
    this.#waiting.set(asker, waiting + 1);
    const answer = await this.#askOnce(`${transport} ${key}`, key, query, transport, route);
    this.#settle(asker);
    return answer === undefined ? encodeAnswer(query, RCODE.serverFailure) : answerTo(query, answer);
  }

  /** Whoever asks what is being asked waits for the same answer: also a forger then has only one to guess at. */
  #askOnce(question: string, key: string, query: Query, transport: Transport, { servers, place, signal: over }: Route): Promise<Answer | undefined> {
    const underWay = this.#underWay.get(question);
    if (underWay !== undefined) return underWay;
    const asked = askInTurn(servers, (server, signal) => ask(server, query, transport, { readiness: this.#readiness, place, signal }), over).then((answer) => {
      this.#underWay.delete(question);
      if (answer !== undefined) this.#cache.keep(key, answer);
      return answer;
    });
    this.#underWay.set(question, asked);
    return asked;
  }

  #settle(asker: ContainerId): void {
    const left = (this.#waiting.get(asker) ?? 1) - 1;
    if (left === 0) this.#waiting.delete(asker);
    else this.#waiting.set(asker, left);
  }
}
