// A call: one request on its way to a handler, with what every handler needs. Handlers answer through `answer.ts` or take the socket over
// through `hijack.ts`; what they throw is answered by the server, in one place.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Engine } from '../engine/index.ts';
import type { Query } from './query.ts';

export interface Call {
  readonly engine: Engine;
  /** Estiva's version, for `GET /version`. */
  readonly version: string;
  readonly log: Logger;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The part of the API version after `1.`: 43 for a path that begins with `/v1.43`. */
  readonly apiMinor: number;
  /** What stands in the path for the route's `{names}`, with percent escapes resolved. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Aborted when the client hangs up (until a handler takes the socket over) and when the server closes. */
  readonly signal: AbortSignal;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

export type Handler = (call: Call) => void | Promise<void>;

/** The parameter `{name}` of the route's pattern. */
export function parameterOf(call: Pick<Call, 'parameters'>, name: string): string {
  const value = call.parameters[name];
  if (value === undefined) throw new Error(`The route has no parameter {${name}}`);
  return value;
}
