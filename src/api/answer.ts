// Answers: JSON, nothing, or an error. The only place where a foreseen error becomes an HTTP status.
import type { ServerResponse } from 'node:http';
import { httpStatus, isFail } from '../base/index.ts';
import type { ErrorBody } from '../spec/docker/system.ts';

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

/** A status without a body: 204, 304, or 200 where Docker says nothing more. */
export function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 || status === 304 ? {} : { 'Content-Length': 0 });
  response.end();
}

/** What a person reads of an error: the message, and the way out in parentheses. A bug is only called one: its story is in the log. */
export function sentenceOf(error: unknown): string {
  if (!isFail(error)) return 'internal error';
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}

/** Answers a thrown error. Once an answer has begun, or the socket has been taken over, it can only be cut off. */
export function answerError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.socket === null) {
    response.destroy();
    return;
  }
  const status = isFail(error) ? httpStatus[error.kind] : 500;
  if (status === 304) answerEmpty(response, status);
  else answerJson(response, status, { message: sentenceOf(error) } satisfies ErrorBody);
}
