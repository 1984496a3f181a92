// Asks the user at the terminal: a line as it is typed, a secret without showing it.
import { Exit } from '../errors.ts';
import type { Session } from '../session.ts';

const [interrupt, endOfInput, backspace, erase] = ['\u0003', '\u0004', '\b', '\u007f'];
const interruptedCode = 130;

/** @throws Exit without a terminal, and when the user gives up */
export function ask(session: Session, question: string, options: { readonly isSecret: boolean }): Promise<string> {
  const { stdin, stdout } = session;
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) throw new Exit(1, 'Error: Cannot perform an interactive login from a non TTY device');
  stdout.write(question);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const typed: string[] = [];
  const onData = (chunk: Buffer | string): void => {
    for (const key of chunk.toString()) {
      if (key === '\r' || key === '\n') return resolve(typed.join(''));
      if (key === interrupt || (key === endOfInput && typed.length === 0)) return reject(new Exit(interruptedCode));
      if (key === backspace || key === erase) { if (typed.pop() !== undefined && !options.isSecret) stdout.write('\b \b'); } else if (key >= ' ') {
        typed.push(key);
        if (!options.isSecret) stdout.write(key);
      }
    }
  };
  stdin.setRawMode(true);
  stdin.on('data', onData).resume();
  return promise.finally(() => {
    stdin.off('data', onData).pause();
    stdin.setRawMode?.(false);
    stdout.write('\n');
  });
}
