// Who waits for a container's end. A waiter is registered the moment it asks: an exit right after is not missed.
import { fail } from '../base/index.ts';
import type { ContainerRecord, WaitCondition, WaitResult } from './container.ts';
import { isUp } from './state.ts';

interface Waiter {
  readonly condition: WaitCondition;
  readonly resolve: (result: WaitResult) => void;
  readonly reject: (error: Error) => void;
}

export class Waiters {
  readonly #byId = new Map<string, Set<Waiter>>();
  /** The last exit of containers that somebody waits to see removed. */
  readonly #exits = new Map<string, WaitResult>();

  wait(record: ContainerRecord, condition: WaitCondition, signal: AbortSignal): Promise<WaitResult> {
    if (condition === 'not-running' && !isUp(record.state)) return Promise.resolve(resultOf(record));
    return new Promise((resolve, reject) => {
      const waiters = this.#byId.get(record.id) ?? new Set<Waiter>();
      this.#byId.set(record.id, waiters);
      const leave = (): void => {
        waiters.delete(waiter);
        if (waiters.size === 0) this.#byId.delete(record.id);
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        leave();
        reject(fail('unavailable', 'The wait was given up'));
      };
      const waiter: Waiter = { condition, resolve: (result) => { leave(); resolve(result); }, reject: (error) => { leave(); reject(error); } };
      if (condition === 'removed') this.#exits.set(record.id, resultOf(record));
      waiters.add(waiter);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort);
    });
  }

  /** It has no process any more; its record says how it ended. */
  ended(record: ContainerRecord): void {
    const { id } = record;
    const result = resultOf(record);
    for (const waiter of this.#of(id)) {
      if (waiter.condition === 'removed') this.#exits.set(id, result);
      else waiter.resolve(result);
    }
  }

  removed(id: string): void {
    const result = this.#exits.get(id) ?? { exitCode: 0 };
    this.#exits.delete(id);
    for (const waiter of this.#of(id)) waiter.resolve(result);
  }

  #of(id: string): readonly Waiter[] {
    return [...this.#byId.get(id) ?? []];
  }
}

function resultOf({ state }: ContainerRecord): WaitResult {
  if (state.status === 'exited' || state.status === 'restarting') return { exitCode: state.exitCode, ...(state.error === '' ? {} : { error: state.error }) };
  return { exitCode: state.status === 'created' ? state.failure?.exitCode ?? 0 : 0 };
}
