// What happens in a build, told to who asked for it: stage after stage in the order of the file, though stages run side by side.
import type { Digest } from '../../base/index.ts';

export type BuildHappening =
  | { readonly what: 'step'; readonly number: number; readonly total: number; readonly text: string }
  | { readonly what: 'cached' }
  | { readonly what: 'running' | 'removed'; readonly containerId: string }
  | { readonly what: 'output'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  /** The image as it would be after the step; undefined for nothing. */
  | { readonly what: 'result'; readonly id: Digest | undefined }
  | { readonly what: 'warning'; readonly text: string };

export type Tell = (happening: BuildHappening) => void;

/** Kept back of a stage whose turn has not come; what is beyond is left out. */
const keptBytesMax = 1 << 20;

/** Puts what several tell into one order: the first is heard at once, the next when it has ended. */
export class InOrder {
  readonly #tell: Tell;
  readonly #kept: { readonly waiting: BuildHappening[]; bytes: number; isEnded: boolean }[];
  #turn = 0;

  constructor(count: number, tell: Tell) {
    this.#tell = tell;
    this.#kept = Array.from({ length: count }, () => ({ waiting: [], bytes: 0, isEnded: false }));
  }

  tellerOf(index: number): Tell {
    const mine = this.#kept[index]!;
    return (happening) => {
      if (this.#turn === index) return this.#tell(happening);
      if (happening.what === 'output') {
        mine.bytes += happening.bytes.length;
        if (mine.bytes > keptBytesMax) return undefined;
      }
      mine.waiting.push(happening);
      return undefined;
    };
  }

  end(index: number): void {
    this.#kept[index]!.isEnded = true;
    while (this.#kept[this.#turn]?.isEnded === true) {
      this.#turn++;
      for (const happening of this.#kept[this.#turn]?.waiting.splice(0) ?? []) this.#tell(happening);
    }
  }

  /** The build ends with a failure of this one: what it said is heard, whoever's turn it is. */
  endWith(index: number): void {
    if (this.#turn === index) return;
    for (const happening of this.#kept[index]?.waiting.splice(0) ?? []) this.#tell(happening);
  }
}
