// The same failure, with what was being done before its words.
import { fail, isFail } from '../base/index.ts';
import { isKernelError } from '../kernel/index.ts';

/** A bug stays as it is. */
export function inContext(error: unknown, before: string): unknown {
  if (isFail(error)) return fail(error.kind, `${before}${error.message}`, { ...error.hint === undefined ? {} : { hint: error.hint }, cause: error });
  return isKernelError(error) ? fail('internal', `${before}${error.message}`, { cause: error }) : error;
}
