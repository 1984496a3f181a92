// A question before something that cannot be undone: yes only if the user says so.
import { warn, type Session } from './session.ts';

/** Shows `warning` and asks. Anything but y or yes, and the end of the input, mean no. */
export async function confirms(session: Session, warning: string): Promise<boolean> {
  warn(session, warning);
  return await agrees(session, 'Are you sure you want to continue?');
}

/** Asks. Anything but y or yes, and the end of the input, mean no. */
export async function agrees(session: Session, question: string): Promise<boolean> {
  session.stderr.write(`${question} [y/N] `);
  // Loaded when somebody is asked: at the top it would cost every command some milliseconds.
  const { createInterface } = await import('node:readline/promises');
  using lines = createInterface({ input: session.stdin });
  for await (const line of lines) return ['y', 'yes'].includes(line.trim().toLowerCase());
  return false;
}
