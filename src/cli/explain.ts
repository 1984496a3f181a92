// run --explain: the container's program of system calls in words before it runs, and the time it took after it.
import { explainContainer, isDaemonError, type ExplainedStep } from '../client/index.ts';
import { warn, type Session } from './session.ts';

/** Prints on stderr: stdout belongs to the container. */
export interface Explainer {
  /** After create, before start. */
  before(): Promise<void>;
  /** Measures the start. */
  time<T>(start: Promise<T>): Promise<T>;
  /** After the end, or for a detached container after its start. */
  after(): void;
}

export function explainer(session: Session, id: string): Explainer {
  let count = 0;
  let startMs: number | undefined;
  return {
    async before() {
      const steps = await stepsOf(session, id);
      if (steps === undefined) return warn(session, 'This daemon is not Estiva\'s: it cannot explain what it does');
      count = steps.length;
      for (const line of explainLines(steps)) warn(session, line);
    },
    async time(start) {
      const began = performance.now();
      const result = await start;
      startMs = performance.now() - began;
      return result;
    },
    after() {
      if (count > 0 && startMs !== undefined) warn(session, `${count} steps; from the request to start until the program ran: ${startMs.toFixed(1)} ms`);
    },
  };
}

async function stepsOf(session: Session, id: string): Promise<readonly ExplainedStep[] | undefined> {
  try {
    return await explainContainer(session.docker, id);
  } catch (error) {
    if (isDaemonError(error, 404)) return undefined;
    throw error;
  }
}

/** ` 1  mount  proc on /proc              the container sees its own processes only`. */
export function explainLines(steps: readonly ExplainedStep[]): string[] {
  const numberWidth = String(steps.length).length;
  const callWidth = Math.max(0, ...steps.map(({ call }) => call.length));
  const textWidth = Math.min(60, Math.max(0, ...steps.map(({ text }) => text.length)));
  return steps.map(({ call, text, why }, at) => `${String(at + 1).padStart(numberWidth)}  ${call.padEnd(callWidth)}  ${text.padEnd(textWidth)}  ${why}`.trimEnd());
}
