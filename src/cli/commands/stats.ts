import { listContainers, statsOf, watchEvents, watchStats } from '../../client/index.ts';
import type { ContainerStats } from '../../spec/docker/stats.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';
import { printRows, rowLines } from '../format.ts';
import type { Session } from '../session.ts';
import { statsListing, statsRow } from '../stats-rows.ts';

const periodMs = 500;

export const command = defineCommand({
  usage: '[OPTIONS] [CONTAINER...]',
  summary: 'Display a live stream of container(s) resource usage statistics',
  aliases: ['container stats', 'stats'],
  flags: {
    all: flag.on('a', 'Also those that do not run'),
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    'no-stream': flag.on('', 'Once, not again and again'),
    'no-trunc': flag.on('', 'Do not shorten'),
  },
  operands: { min: 0 },
  async run({ values, operands, session }) {
    const isTruncated = !values['no-trunc'];
    const format = values.format ?? session.config.setting('statsFormat');
    const names = operands.length > 0 ? operands : (await listContainers(session.docker, { all: values.all })).map(({ Id }) => Id);
    if (values['no-stream']) {
      const all = await Promise.all(names.map(async (name) => [name, await statsOf(session.docker, name)] as const));
      printRows(session, format, statsListing, all.map(([name, stats]) => statsRow(name, stats, isTruncated)));
      return 0;
    }
    const watched = new WatchedContainers(session);
    for (const name of names) watched.add(name);
    if (operands.length === 0) watched.follow(values.all);
    await show(session, watched, (lines) => rowLines(format, statsListing, lines), isTruncated);
    return 0;
  },
});

/** The containers on the screen, each with its last figures. */
class WatchedContainers {
  readonly #session: Session;
  readonly #latest = new Map<string, ContainerStats | undefined>();
  readonly #leaving = new Map<string, AbortController>();
  readonly #failure = Promise.withResolvers<never>();
  #follows = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Rejects when the daemon cannot be asked any more, or does not know a container that was asked for by name. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** Whether there is nothing to show, nor will be. */
  get isOver(): boolean {
    return this.#latest.size === 0 && !this.#follows;
  }

  rows(isTruncated: boolean): ReturnType<typeof statsRow>[] {
    return [...this.#latest].map(([name, stats]) => statsRow(name, stats, isTruncated));
  }

  add(name: string): void {
    if (this.#latest.has(name)) return;
    const leaving = new AbortController();
    this.#leaving.set(name, leaving);
    this.#latest.set(name, undefined);
    watchStats(this.#session.docker, name, (stats) => this.#latest.set(name, stats), leaving.signal).then(() => this.#forget(name), (error: unknown) => {
      if (!leaving.signal.aborted) this.#failure.reject(error);
    });
  }

  /** Containers come and go. */
  follow(all: boolean): void {
    this.#follows = true;
    const coming = all ? ['create', 'start'] : ['start', 'unpause'];
    const going = all ? ['destroy'] : ['die', 'destroy'];
    watchEvents(this.#session.docker, { filters: { type: ['container'] } }, ({ Action, Actor }) => {
      if (coming.includes(Action)) this.add(Actor.ID);
      if (going.includes(Action)) this.#forget(Actor.ID);
    }).then(() => this.#failure.reject(new Error('The daemon has ended')), (error: unknown) => this.#failure.reject(error));
  }

  #forget(name: string): void {
    this.#latest.delete(name);
    this.#leaving.get(name)?.abort(new Error('The container is not watched any more'));
    this.#leaving.delete(name);
  }
}

/** Again and again until it is interrupted. On a terminal each picture takes the place of the one before. */
async function show(session: Session, watched: WatchedContainers, linesOf: (rows: ReturnType<typeof statsRow>[]) => readonly string[], isTruncated: boolean): Promise<void> {
  const isTerminal = session.stdout.isTTY === true;
  if (isTerminal) session.stdout.write('\x1b[2J');
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const draw = (): void => {
    if (watched.isOver) return resolve();
    const lines = linesOf(watched.rows(isTruncated));
    session.stdout.write(isTerminal ? `\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J` : lines.map((line) => `${line}\n`).join(''));
  };
  draw();
  const timer = setInterval(draw, periodMs);
  try {
    await Promise.race([over, watched.failed]);
  } finally {
    clearInterval(timer);
  }
}
