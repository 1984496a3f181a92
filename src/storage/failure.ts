// An error as a value: classes do not survive the way between threads.
import { fail, isFail, messageOf, type ErrorKind } from '../base/index.ts';

export interface Failure {
  /** Absent: not foreseen. */
  readonly kind: ErrorKind | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

export function asFailure(error: unknown): Failure {
  const isForeseen = isFail(error);
  return {
    kind: isForeseen ? error.kind : undefined, message: messageOf(error), hint: isForeseen ? error.hint : undefined,
    stack: error instanceof Error ? error.stack : undefined,
  };
}

export function errorOf({ kind, message, hint, stack }: Failure): Error {
  const error = kind === undefined ? new Error(message) : fail(kind, message, hint === undefined ? {} : { hint });
  if (stack !== undefined) error.stack = stack;
  return error;
}
