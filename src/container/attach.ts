// Attaching: to a program that runs, or to one that will. `docker run` attaches first and starts then, so that it sees the first byte.
import type { AttachOptions, Attachment, ContainerRecord, LogEntry, OutputChunk } from './container.ts';
import { readContainerLog } from './logs.ts';
import type { Room } from './room.ts';
import { allow } from './state.ts';

export async function attachContainer(room: Room, record: ContainerRecord, options: AttachOptions): Promise<Attachment> {
  if (options.stream) allow('attach', record);
  room.tell({ kind: 'attach', container: record });
  const live = options.stream ? liveAttachment(room, record, options) : endedAttachment(record.config.Tty);
  // The log's end is fixed in the same breath as the attachment begins: no entry is missing, none comes twice.
  return options.logs ? new LoggedAttachment(live, replay(readContainerLog(room, record, { stdout: options.stdout, stderr: options.stderr, follow: false, signal: AbortSignal.timeout(replayTimeoutMs) }))) : live;
}

function liveAttachment(room: Room, record: ContainerRecord, options: AttachOptions): Attachment {
  const task = room.live.get(record.id);
  if (task !== undefined) return task.streams.attach({ ...options, pending: options.logs, stdin: options.stdin && record.config.OpenStdin });
  // Who wants the log as well reads of a run that is over; who does not is about to start the next one (`docker start -a`).
  if (record.state.status === 'exited' && options.logs) return endedAttachment(record.config.Tty);
  const pending = new PendingAttachment(record.config.Tty, { ...options, stdin: options.stdin && record.config.OpenStdin }, () => room.pending.get(record.id)?.delete(pending));
  room.pending.set(record.id, (room.pending.get(record.id) ?? new Set()).add(pending));
  return pending;
}

function endedAttachment(tty: boolean): Attachment {
  const pending = new PendingAttachment(tty, { stdin: false, stdout: false, stderr: false }, () => undefined);
  pending.end();
  return pending;
}

async function* replay(entries: AsyncIterable<LogEntry>): AsyncGenerator<OutputChunk> {
  for await (const { stream, bytes } of entries) yield { stream, bytes };
}

const replayTimeoutMs = 60_000;

/** An attachment that waits for the program to start. */
export class PendingAttachment implements Attachment {
  readonly tty: boolean;
  readonly options: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly output: AsyncIterable<OutputChunk>;
  readonly #started = Promise.withResolvers<Attachment | undefined>();
  readonly #leave: () => void;

  constructor(tty: boolean, options: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }, leave: () => void) {
    this.tty = tty;
    this.options = options;
    this.#leave = leave;
    this.output = this.#stream();
  }

  begin(attachment: Attachment): void {
    this.#started.resolve(attachment);
  }

  /** Nothing will start: the output is over. */
  end(): void {
    this.#started.resolve(undefined);
  }

  async *#stream(): AsyncGenerator<OutputChunk> {
    const attachment = await this.#started.promise;
    if (attachment !== undefined) yield* attachment.output;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await (await this.#started.promise)?.write(bytes);
  }

  async closeInput(): Promise<void> {
    await (await this.#started.promise)?.closeInput();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    this.end();
    await (await this.#started.promise)?.[Symbol.asyncDispose]();
  }
}

/** The log first, then what comes. The live attachment exists before the log is read: nothing falls between the two. */
class LoggedAttachment implements Attachment {
  readonly tty: boolean;
  readonly output: AsyncIterable<OutputChunk>;
  readonly #live: Attachment;

  constructor(live: Attachment, replayed: AsyncIterable<OutputChunk>) {
    this.#live = live;
    this.tty = live.tty;
    this.output = (async function* both() {
      yield* replayed;
      yield* live.output;
    })();
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#live.write(bytes);
  }

  closeInput(): Promise<void> {
    return this.#live.closeInput();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#live[Symbol.asyncDispose]();
  }
}
