// Servers one after the other. One that is slow gets company, one that refuses is left; the first good answer is taken, whoever gives it.
import { RCODE, type Answer } from './message.ts';

/** After that the next one is asked as well. */
export const patienceMs = 1000;
/** Clients ask again or give up after five seconds; they should hear something before. */
export const deadlineMs = 4500;
const rounds = 2;

/** Undefined: nobody answered, or nobody wants to know any more (`signal`). When all refuse, the last refusal is the answer. */
export function askInTurn<S>(servers: readonly S[], ask: (server: S, signal: AbortSignal) => Promise<Answer>, signal: AbortSignal): Promise<Answer | undefined> {
  const turns = Array.from({ length: rounds }, () => servers).flat();
  return new Promise((resolve) => {
    const over = new AbortController();
    let refusal: Answer | undefined;
    let underWay = 0;
    let patience: NodeJS.Timeout | undefined;
    const finish = (answer: Answer | undefined): void => {
      clearTimeout(patience);
      clearTimeout(deadline);
      signal.removeEventListener('abort', stop);
      over.abort();
      resolve(answer);
    };
    const stop = (): void => finish(undefined);
    signal.addEventListener('abort', stop);
    const deadline = setTimeout(() => finish(refusal), deadlineMs);
    const goOn = (): void => {
      clearTimeout(patience);
      if (over.signal.aborted) return;
      const server = turns.shift();
      if (server === undefined) {
        if (underWay === 0) finish(refusal);
        return;
      }
      underWay++;
      patience = setTimeout(goOn, patienceMs);
      ask(server, over.signal).then((answer) => {
        if (!isRefusal(answer)) return finish(answer);
        refusal = answer;
        underWay--;
        goOn();
      }, () => {
        underWay--;
        goOn();
      });
    };
    goOn();
  });
}

/** It says nothing about the name, only that this server cannot help. */
function isRefusal({ rcode }: Answer): boolean {
  return rcode !== RCODE.ok && rcode !== RCODE.noSuchName;
}
