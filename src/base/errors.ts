// Errors that are foreseen. A foreseen error has a kind; the kind decides the HTTP status, in one place (the api's edge). Everything else
// that is thrown is a bug: a plain Error, answered with 500 and logged with its stack.
// Messages: sentence case, no full stop, the action and its quoted operand; where Docker's clients match text, Docker's exact text.

export const httpStatus = {
  invalid: 400,
  unauthorized: 401,
  denied: 403,
  not_found: 404,
  not_modified: 304,
  conflict: 409,
  too_large: 413,
  internal: 500,
  unsupported: 501,
  unavailable: 503,
  timeout: 504,
} as const;

export type ErrorKind = keyof typeof httpStatus;

/** A foreseen error: `kind` is for programs, `message` for people, `hint` is the way out in one sentence. */
export class EstivaError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, options: { readonly hint?: string | undefined; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EstivaError';
    this.kind = kind;
    this.hint = options.hint;
  }
}

/** Makes (does not throw) a foreseen error: `throw fail('not_found', 'No such image: x')`. */
export function fail(kind: ErrorKind, message: string, options?: { readonly hint?: string; readonly cause?: unknown }): EstivaError {
  return new EstivaError(kind, message, options);
}

/** Whether `error` is foreseen, and, when `kind` is given, of that kind. */
export function isFail(error: unknown, kind?: ErrorKind): error is EstivaError {
  return error instanceof EstivaError && (kind === undefined || error.kind === kind);
}

/** A one-line text of anything thrown, for messages that quote a cause. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
