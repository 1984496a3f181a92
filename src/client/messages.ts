// A stream of messages about work that goes on.
import type { ProgressMessage } from '../spec/docker/image.ts';
import { readJsonLines } from './docker.ts';
import type { Answer } from './http.ts';

export type OnMessage = (message: ProgressMessage) => void;

/** Reads a stream of progress messages. @throws Error with the daemon's sentence when a message carries an error. */
export async function readMessages(answer: Answer, onMessage: OnMessage): Promise<void> {
  let failure: string | undefined;
  await readJsonLines(answer, (value) => {
    const message = value as ProgressMessage;
    if (message.error === undefined) onMessage(message);
    else failure = message.errorDetail?.message ?? message.error;
  });
  if (failure !== undefined) throw new StreamError(failure);
}

/** The daemon failed in the middle of a stream whose status said 200. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
}
