// How a command fails, and how each failure is said. A usage error prints the usage line; a complaint points to --help, as run and create
// do in Docker; an exit has its own code; the daemon's errors are said with Docker's words in front.
import { isFail, messageOf } from '../base/index.ts';
import { isDaemonError } from '../client/index.ts';

/** The command line is wrong: the usage line follows. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Docker's 125 for flags; 1 for a wrong number of arguments. */
  readonly code: number;
  /** Docker points to --help with See when there are too few arguments, with Run otherwise. */
  readonly pointer: 'See' | 'Run';

  constructor(message: string, options: { readonly code?: number; readonly pointer?: 'See' | 'Run'; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = options.code ?? 125;
    this.pointer = options.pointer ?? 'Run';
  }
}

/** A container cannot be made or started; the pointer to --help follows. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
  readonly code: number;

  constructor(message: string, code = 125) {
    super(message);
    this.code = code;
  }
}

/** The process ends with `code` after saying `message`. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;

  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}

/** What people read of anything thrown. */
export function textOfError(error: unknown): string {
  if (isDaemonError(error)) return `Error response from daemon: ${error.message}`;
  if (isFail(error) && error.hint !== undefined) return `${error.message}\n${error.hint}`;
  return messageOf(error);
}
