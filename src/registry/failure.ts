// A registry's refusals in Docker's words: `unauthorized: authentication required`, `manifest unknown: manifest unknown`. The code decides, not the text.
// Source: OCI distribution 1.1, "Error Codes"; the sentences are dockerd 28.5's.
import { decode, fail, type ErrorKind, type EstivaError } from '../base/index.ts';
import { parseChallenges } from './challenge.ts';
import { readWhole, type Reply } from './wire.ts';

export interface Refusal {
  readonly status: number;
  /** `MANIFEST_UNKNOWN`; empty when the registry gave none. */
  readonly code: string;
  readonly text: string;
}

const bodyBytesMax = 64 * 1024;
const textLengthMax = 500;
const denied = 'denied: requested access to the resource is denied';

const errorList = decode.object<{ readonly errors: readonly { readonly code: string; readonly message: string }[] }>({
  errors: decode.list(decode.object({ code: decode.text, message: decode.text })),
});

/** What a status alone says: an answer to HEAD has no body. */
const wordless: Readonly<Record<number, Pick<Refusal, 'code' | 'text'>>> = {
  401: { code: 'UNAUTHORIZED', text: 'unauthorized: authentication required' },
  403: { code: 'DENIED', text: denied },
  429: { code: 'TOOMANYREQUESTS', text: 'toomanyrequests: too many requests' },
};

/** Reads what a registry said with a status that is not the one that was hoped for. `hide` takes secrets out that it may repeat. */
export async function refusalOf(reply: Reply, hide: (text: string) => string = (text) => text): Promise<Refusal> {
  const [first] = await errorsIn(reply);
  const { status } = reply;
  const challenges = status === 401 ? parseChallenges(reply.headers['www-authenticate'] ?? '') : [];
  if (challenges.some(({ parameters }) => parameters.get('error') === 'insufficient_scope')) return { status, code: 'DENIED', text: denied };
  if (first === undefined || first.code === '') return { status, ...wordless[status] ?? { code: '', text: `received unexpected HTTP status: ${status} ${reply.statusText}`.trimEnd() } };
  const words = first.code.toLowerCase().replaceAll('_', ' ');
  return { status, code: first.code.toUpperCase(), text: hide(printable(`${words}: ${first.message === '' ? words : first.message}`)) };
}

/** What is no list of errors has none: the status says enough. */
async function errorsIn(reply: Reply): Promise<readonly { readonly code: string; readonly message: string }[]> {
  try {
    return decode.decodeJson((await readWhole(reply, bodyBytesMax)).toString('utf8'), errorList).errors;
  } catch {
    reply.leave();
    return [];
  }
}

export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, textLengthMax);
}

/** @returns the error to throw, with what was meant in front of it. */
export function failureOf(refusal: Refusal, context = ''): EstivaError {
  const wayOut = hints[refusal.code] ?? hints[String(refusal.status)];
  return fail(kindOf(refusal), `${context === '' ? '' : `${context}: `}${refusal.text}`, wayOut === undefined ? {} : { hint: wayOut });
}

const hints: Readonly<Record<string, string>> = {
  TOOMANYREQUESTS: 'Wait, or log in: registries let known users ask more often', 429: 'Wait, or log in: registries let known users ask more often',
};

function kindOf({ status, code }: Refusal): ErrorKind {
  if (code === 'DENIED' || status === 403) return 'denied';
  if (status === 401) return 'unauthorized';
  if (status === 404) return 'not_found';
  if (status === 413) return 'too_large';
  if (status === 405 || status === 415 || status === 501 || code === 'UNSUPPORTED') return 'unsupported';
  return status === 429 || status >= 500 ? 'unavailable' : 'invalid';
}
