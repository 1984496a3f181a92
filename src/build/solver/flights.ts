// Steps that are being done, by their keys: builds that meet at the same key do it once. All of them hear of it from then on; who leaves does not stop it, the last
// one does. The build that began lends its context and its session, so it ends only when the step has.
import type { Digest } from '../../base/index.ts';
import type { LineRange } from '../../spec/dockerfile/index.ts';
import { BuildFailure } from './failure.ts';
import type { BuildHappening, Tell } from './happening.ts';

export interface Made {
  readonly layer: Digest | undefined;
  readonly created: string;
}

/** A build that wants the step done. */
export interface Passenger {
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Of the step in its own Dockerfile. */
  readonly lines: LineRange;
}

type Doing = (tell: Tell, signal: AbortSignal) => Promise<Made>;

export class Flights {
  readonly #flights = new Map<string, Flight>();

  /** @throws the passenger's reason when it leaves, and what the work throws */
  async join(key: string, passenger: Passenger, work: Doing): Promise<Made> {
    for (;;) {
      passenger.signal.throwIfAborted();
      const flight = this.#flights.get(key);
      if (flight === undefined) return await this.#begin(key, passenger, work);
      const made = await flight.ride(passenger);
      if (made !== undefined) return made;
    }
  }

  async #begin(key: string, passenger: Passenger, work: Doing): Promise<Made> {
    const end = (): void => { if (this.#flights.get(key) === flight) this.#flights.delete(key); };
    const flight = new Flight(passenger, work, end);
    this.#flights.set(key, flight);
    try {
      return await flight.first();
    } finally {
      end();
    }
  }
}

class Flight {
  readonly #passengers = new Set<Passenger>();
  readonly #first: Passenger;
  readonly #stop = new AbortController();
  readonly #work: Promise<Made>;
  readonly #onEmpty: () => void;
  #running: BuildHappening | undefined;

  constructor(first: Passenger, work: Doing, onEmpty: () => void) {
    this.#first = first;
    this.#passengers.add(first);
    this.#onEmpty = onEmpty;
    first.signal.addEventListener('abort', this.#firstLeaves);
    this.#work = work((happening) => this.#tell(happening), this.#stop.signal);
  }

  /** Waits for the end, whatever becomes of its own build meanwhile. */
  async first(): Promise<Made> {
    try {
      const made = await this.#work;
      this.#first.signal.throwIfAborted();
      return made;
    } finally {
      this.#first.signal.removeEventListener('abort', this.#firstLeaves);
    }
  }

  /** Undefined: the build that began has left, and the work with it; somebody else begins. */
  async ride(passenger: Passenger): Promise<Made | undefined> {
    const { signal, tell, lines } = passenger;
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener('abort', leave);
    this.#passengers.add(passenger);
    if (this.#running !== undefined) tell(this.#running);
    try {
      return await Promise.race([this.#work, left.promise]);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BuildFailure) throw new BuildFailure(error.message, { lines: [lines], exitCode: error.exitCode, output: error.output, hint: error.hint, cause: error });
      if (this.#first.signal.aborted) return undefined;
      throw error;
    } finally {
      signal.removeEventListener('abort', leave);
      this.#leave(passenger);
    }
  }

  readonly #firstLeaves = (): void => this.#leave(this.#first);

  #leave(passenger: Passenger): void {
    this.#passengers.delete(passenger);
    if (this.#passengers.size > 0) return;
    this.#onEmpty();
    this.#stop.abort(passenger.signal.reason);
  }

  #tell(happening: BuildHappening): void {
    if (happening.what === 'running') this.#running = happening;
    for (const { tell } of this.#passengers) tell(happening);
  }
}
