// What a bench is made of: a case has several subjects that do the same work, each run gives a number, and the subjects take turns, so that a
// noisy minute falls on all of them. Between two runs there is a pause: engines go on clearing away after they have answered, and what one leaves undone
// must not be paid for by the next.
import { setTimeout as sleep } from 'node:timers/promises';

const settleMs = 150;

export type Unit = 'ms' | 'kB' | 'MB' | 's';

export interface Subject {
  readonly name: string;
  /** One run; what it measured, in the case's unit. What it prepares and clears away is its own affair and does not count. */
  run(): Promise<number>;
  close?(): Promise<void>;
}

export interface BenchCase {
  readonly name: string;
  /** What is measured, in a few words, and what was promised for ours. */
  readonly what: string;
  readonly promise: string;
  readonly unit: Unit;
  readonly runs: number;
  /** One run more that is not counted, to warm caches up. */
  readonly warmUp: boolean;
  subjects(): Promise<readonly Subject[]>;
}

export interface Figures {
  readonly subject: string;
  readonly runs: number;
  readonly median: number;
  readonly p99: number;
  readonly min: number;
  readonly values: readonly number[];
}

/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Median, p99 and minimum of the values as they were measured. */
export function figures(subject: string, values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { subject, runs: values.length, median, p99: quantile(sorted, 0.99), min: sorted[0]!, values };
}

/** Runs the case, its subjects interleaved; closes them. */
export async function measure(bench: BenchCase, runs: number): Promise<Figures[]> {
  const subjects = await bench.subjects();
  const values = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  try {
    for (let round = bench.warmUp ? -1 : 0; round < runs; round += 1) {
      for (const subject of subjects) {
        if (bench.runs > 1) await sleep(settleMs);
        const value = await subject.run();
        if (round >= 0) values.get(subject)!.push(value);
      }
    }
  } finally {
    for (const subject of subjects) await subject.close?.();
  }
  return subjects.map((subject) => figures(subject.name, values.get(subject)!));
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
