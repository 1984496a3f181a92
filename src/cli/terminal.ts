// The user's terminal while a container has it: raw mode on the way in, its size kept in step on the way out.
import type { Session } from './session.ts';

/** Rows and columns of the terminal, or zeros when output is no terminal. */
export function terminalSize({ stdout }: Session): readonly [rows: number, columns: number] {
  return stdout.isTTY === true ? [stdout.rows ?? 0, stdout.columns ?? 0] : [0, 0];
}

/** Puts stdin into raw mode; disposing puts it back. Without a terminal, nothing. */
export function rawMode({ stdin }: Session): Disposable {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return { [Symbol.dispose]: () => undefined };
  stdin.setRawMode(true);
  // Node's raw mode still makes CR LF of each LF, which breaks programs that move the cursor with LF. Without stty it stays so.
  void import('node:child_process').then(({ spawn }) => spawn('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] }).on('error', () => undefined));
  return { [Symbol.dispose]: () => { stdin.setRawMode?.(false); } };
}

/** Tells the size now and at every change of the window, until disposed. A size that the daemon refuses (the process has ended) is dropped. */
export function followSize(session: Session, tell: (rows: number, columns: number) => Promise<void>): Disposable {
  if (session.stdout.isTTY !== true) return { [Symbol.dispose]: () => undefined };
  const update = (): void => {
    const [rows, columns] = terminalSize(session);
    tell(rows, columns).catch(() => undefined);
  };
  update();
  session.stdout.on('resize', update);
  return { [Symbol.dispose]: () => { session.stdout.off('resize', update); } };
}
