// How a command fails: a usage error (the user's line is wrong) prints how to call the command; an exit carries a code of its own.

/** The command line is wrong. `usage` says whether the usage line follows. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command has said what there is to say; the process ends with `code`. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;

  constructor(code: number, message = '') {
    super(message);
    this.code = code;
  }
}
