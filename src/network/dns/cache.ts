// What servers answered, for as long as they said that it holds. Bounded: who was not asked for the longest goes first.
import type { Answer } from './message.ts';

const entriesMax = 4096;
const bytesMax = 4 * 1024 * 1024;
/** Longer than this nobody's mistake should stay. */
const secondsMax = 3600;

interface Kept {
  readonly answer: Answer;
  readonly sinceMs: number;
}

export class Cache {
  readonly #kept = new Map<string, Kept>();
  readonly #nowMs: () => number;
  #bytes = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Absent when its time has passed. */
  get(key: string): { readonly answer: Answer; readonly ageSeconds: number } | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    const ageSeconds = Math.floor((this.#nowMs() - kept.sinceMs) / 1000);
    this.#drop(key, kept);
    if (ageSeconds >= Math.min(kept.answer.ttlSeconds, secondsMax)) return undefined;
    this.#put(key, kept);
    return { answer: kept.answer, ageSeconds };
  }

  keep(key: string, answer: Answer): void {
    if (answer.ttlSeconds === 0) return;
    const before = this.#kept.get(key);
    if (before !== undefined) this.#drop(key, before);
    this.#put(key, { answer, sinceMs: this.#nowMs() });
    for (const [oldest, kept] of this.#kept) {
      if (this.#kept.size <= entriesMax && this.#bytes <= bytesMax) break;
      this.#drop(oldest, kept);
    }
  }

  get size(): number {
    return this.#kept.size;
  }

  #put(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    this.#bytes += kept.answer.bytes.length;
  }

  #drop(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#bytes -= kept.answer.bytes.length;
  }
}
