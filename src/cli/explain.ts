// run --explain: the container's program of system calls in words before it runs, and how long its steps took after it.
import { explainContainer, isDaemonError, type ExplainedStep } from '../client/index.ts';
import { warn, type Session } from './session.ts';

export interface Explainer {
  /** After create, before start. */
  before(): Promise<void>;
  /** After the end; says nothing when the daemon has no times or the container is gone. */
  after(): Promise<void>;
}

/** Prints on stderr: stdout belongs to the container. */
export function explainer(session: Session, id: string): Explainer {
  let isKnown = true;
  return {
    async before() {
      const steps = await stepsOf(session, id);
      isKnown = steps !== undefined;
      if (steps === undefined) warn(session, 'This daemon is not Estiva\'s: it cannot explain what it does');
      else for (const line of explainLines(steps)) warn(session, line);
    },
    async after() {
      const steps = isKnown ? await stepsOf(session, id) : undefined;
      for (const line of timingLines(steps ?? [])) warn(session, line);
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

const slowestShown = 5;

/** The sum and the slowest steps, when the daemon measured them. */
export function timingLines(steps: readonly ExplainedStep[]): string[] {
  const timed = steps.map((step, at) => ({ ...step, number: at + 1 })).filter(({ microseconds }) => microseconds !== undefined);
  if (timed.length === 0) return [];
  const total = timed.reduce((sum, { microseconds = 0 }) => sum + microseconds, 0);
  const slowest = timed.toSorted((a, b) => (b.microseconds ?? 0) - (a.microseconds ?? 0)).slice(0, slowestShown);
  const lines = slowest.map(({ number, call, text, microseconds = 0 }) => `${inMs(microseconds).padStart(9)} ms  ${number}  ${call} ${text}`);
  return [`${timed.length} steps in ${inMs(total)} ms; the slowest:`, ...lines];
}

function inMs(microseconds: number): string {
  return (microseconds / 1000).toFixed(3);
}
