// A wait that ends by itself, by a signal, or by being disposed of; and that can be long.

/** Node's timers have 31 bits of milliseconds, and beyond that go off at once: 24 days have to be enough. */
const timerMsMax = 2 ** 31 - 1;

export interface Timer extends Disposable {
  /** Resolves when the time or the signal has come; never when disposed of before. */
  readonly over: Promise<void>;
}

export function wait(ms: number, signal?: AbortSignal): Timer {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(ms, timerMsMax));
  const end = (): void => {
    clearTimeout(timer);
    resolve();
  };
  if (signal?.aborted === true) end();
  else signal?.addEventListener('abort', end, { once: true });
  return {
    over,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    },
  };
}
