// Statistics: what running containers use, looked at once a second for as long as somebody watches. One look serves all who watch a container.
// The second has twenty turns, and each container its own: five hundred of them neither hold everybody up at once, nor wake the daemon five hundred times.
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { Logger } from 'pino';
import { isKernelError, readLinkFigures, type CgroupFigures, type Cgroups, type FigureReader, type LinkFigures } from '../kernel/index.ts';
import type { ContainerRecord } from './container.ts';
import { cgroupPathOf } from './room.ts';
import { hasProcess } from './state.ts';

const turns = 20;
const turnMs = 1000 / turns;

export interface StatsSample {
  readonly at: Date;
  readonly figures: CgroupFigures;
  /** Of its network, which may be another container's; undefined in the host's. */
  readonly links?: readonly LinkFigures[] | undefined;
  /** What all processors of the host did since it started: all of their time but idle in wait of an interrupt's end. */
  readonly hostCpuNs: number;
  readonly hostCpus: number;
  readonly hostMemoryBytes: number;
}

/** What a watcher gets each second: the sample, and the one before it, if there is one. `undefined`: the container does not run. */
export interface StatsLook {
  readonly sample: StatsSample | undefined;
  readonly previous: StatsSample | undefined;
}

/** Must not throw. After `gone` nothing comes any more. */
export interface StatsWatcher {
  readonly onLook: (look: StatsLook) => void;
  /** The container was removed. */
  readonly onGone: () => void;
}

interface Watched {
  readonly watchers: Set<StatsWatcher>;
  readonly turn: number;
  /** Of this run of the container: another run has another group. */
  run: { readonly pid: number; readonly reader: FigureReader } | undefined;
  last: StatsSample | undefined;
}

export class Sampler implements Disposable {
  readonly #cgroups: Cgroups;
  readonly #find: (id: string) => ContainerRecord | undefined;
  readonly #log: Logger;
  readonly #watched = new Map<string, Watched>();
  /** Whose turn it is in which twentieth of the second. */
  readonly #turns: readonly Map<string, Watched>[] = Array.from({ length: turns }, () => new Map());
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(cgroups: Cgroups, find: (id: string) => ContainerRecord | undefined, log: Logger) {
    this.#cgroups = cgroups;
    this.#find = find;
    this.#log = log;
  }

  /** One sample, now; undefined when it does not run. */
  sample(record: ContainerRecord): StatsSample | undefined {
    if (!hasProcess(record.state)) return undefined;
    using reader = this.#cgroups.figures(cgroupPathOf(record.id, record.hostConfig.CgroupParent));
    return sampleOf(reader, record);
  }

  /** Looks from now on, until disposed. Who comes first gets the first look a second later: two looks are a second apart. */
  watch(id: string, watcher: StatsWatcher): Disposable {
    const watched = this.#watched.get(id) ?? this.#begin(id);
    watched.watchers.add(watcher);
    return {
      [Symbol.dispose]: () => {
        if (watched.watchers.delete(watcher) && watched.watchers.size === 0) this.#end(id, watched);
      },
    };
  }

  [Symbol.dispose](): void {
    for (const [id, watched] of this.#watched) this.#end(id, watched);
  }

  #begin(id: string): Watched {
    const watched: Watched = { watchers: new Set(), turn: this.#turn, run: undefined, last: undefined };
    watched.last = this.#next(watched, id, this.#find(id));
    this.#watched.set(id, watched);
    this.#turns[watched.turn]!.set(id, watched);
    this.#timer ??= setInterval(() => this.#nextTurn(), turnMs);
    return watched;
  }

  #end(id: string, watched: Watched): void {
    watched.run?.reader[Symbol.dispose]();
    this.#turns[watched.turn]!.delete(id);
    this.#watched.delete(id);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #nextTurn(): void {
    this.#turn = (this.#turn + 1) % turns;
    for (const [id, watched] of this.#turns[this.#turn]!) this.#look(id, watched);
  }

  #look(id: string, watched: Watched): void {
    const record = this.#find(id);
    if (record === undefined) {
      this.#end(id, watched);
      for (const { onGone } of watched.watchers) onGone();
      return;
    }
    const previous = watched.last;
    watched.last = this.#next(watched, id, record);
    const look = { sample: watched.last, previous: watched.last === undefined ? undefined : previous };
    for (const { onLook } of watched.watchers) onLook(look);
  }

  #next(watched: Watched, id: string, record: ContainerRecord | undefined): StatsSample | undefined {
    const pid = record !== undefined && hasProcess(record.state) ? record.state.pid : undefined;
    if (watched.run !== undefined && watched.run.pid !== pid) {
      watched.run.reader[Symbol.dispose]();
      watched.run = undefined;
    }
    if (record === undefined || pid === undefined) return undefined;
    watched.run ??= { pid, reader: this.#cgroups.figures(cgroupPathOf(record.id, record.hostConfig.CgroupParent)) };
    try {
      return sampleOf(watched.run.reader, record);
    } catch (error) {
      // Out of descriptors, say: there is no figure this second, and the next may fare better.
      if (!isKernelError(error)) throw error;
      this.#log.warn({ container: id, error: error.message }, 'the figures of a container cannot be read');
      return undefined;
    }
  }
}

function sampleOf(reader: FigureReader, { state, hostConfig }: ContainerRecord): StatsSample | undefined {
  const figures = reader.read();
  const links = hasProcess(state) && hostConfig.NetworkMode !== 'host' ? readLinkFigures(state.pid) : undefined;
  return figures === undefined ? undefined : { at: new Date(), figures, links, ...hostCpu(), hostMemoryBytes: hostMemory };
}

const hostMemory = totalmem();

/** The kernel counts in ticks of 10 ms: within one, the answer is the same. */
const hostCpuMs = 5;
const tickNs = 1e9 / 100;
let hostCpuKept: { readonly atMs: number; readonly hostCpuNs: number; readonly hostCpus: number } | undefined;

/** Source: proc_stat(5); the sum that Docker takes: user, nice, system, idle, iowait, irq, softirq. */
function hostCpu(): Pick<StatsSample, 'hostCpuNs' | 'hostCpus'> {
  const now = performance.now();
  if (hostCpuKept === undefined || now - hostCpuKept.atMs > hostCpuMs) {
    const lines = readFileSync('/proc/stat', 'latin1').split('\n', 4097);
    const ticks = lines[0]!.split(/ +/).slice(1, 8).reduce((sum, word) => sum + Number(word), 0);
    hostCpuKept = { atMs: now, hostCpuNs: ticks * tickNs, hostCpus: lines.filter((line) => /^cpu\d/.test(line)).length };
  }
  return hostCpuKept;
}
