// Classic BPF as seccomp uses it: an array of `struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }` (linux/filter.h), little-endian.
//
// A conditional jump reaches at most 255 instructions ahead and nothing jumps back, so a program is written from its last instruction to its
// first: whatever a jump goes to stands already, and its distance is known. A *target* is where a jump goes: a place, or a verdict. A verdict
// becomes an instruction only when a jump needs one within reach, and is then shared by the jumps near it.
import { fail } from '../../base/index.ts';

/** Instruction codes that seccomp programs need (linux/bpf_common.h). */
export const op = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS: a word of struct seccomp_data
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  goto: 0x05, // BPF_JMP | BPF_JA
  equal: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  greater: 0x25, // BPF_JMP | BPF_JGT | BPF_K
  greaterOrEqual: 0x35, // BPF_JMP | BPF_JGE | BPF_K
  return: 0x06, // BPF_RET | BPF_K
} as const;

export type Comparison = typeof op.equal | typeof op.greater | typeof op.greaterOrEqual;

/** Offsets in struct seccomp_data (linux/seccomp.h); argument k is at `args + 8 * k`, low half first. */
export const field = { nr: 0, arch: 4, args: 16 } as const;

/** BPF_MAXINSNS: the kernel takes no longer program. */
const instructionsMax = 4096;
/** A jump reaches 255; two instructions may still come between the check and the jump. */
const reach = 253;

/** `place` counts instructions from the end of the program. */
export type Target = { readonly verdict: number } | { readonly place: number };

export class BpfWriter {
  /** Instructions, last first: code | jt << 16 | jf << 24, and k. */
  readonly #heads: number[] = [];
  readonly #operands: number[] = [];
  readonly #verdicts = new Map<number, number>();

  load(offset: number): Target {
    return this.#write(op.load, offset);
  }

  and(mask: number): Target {
    return this.#write(op.and, mask);
  }

  /** Compares the accumulator with `operand` and goes on at `yes` or `no`. */
  compare(code: Comparison, operand: number, yes: Target, no: Target): Target {
    const yesPlace = this.#near(yes);
    const noPlace = this.#near(no);
    const here = this.#heads.length;
    return this.#write(code | ((here - yesPlace) << 16) | ((here - noPlace) << 24), operand);
  }

  /** Makes `target` the next thing that runs. */
  enter(target: Target): void {
    if ('verdict' in target) this.#write(op.return, target.verdict);
    else if (target.place !== this.#heads.length) this.#write(op.goto, this.#heads.length - target.place);
  }

  /** @throws `invalid` for a program that is longer than the kernel takes. */
  finish(): Uint8Array {
    const count = this.#heads.length;
    if (count > instructionsMax) {
      throw fail('invalid', `Cannot compile seccomp profile: it needs ${count} instructions and the kernel takes ${instructionsMax}`, { hint: 'Use fewer rules with arguments' });
    }
    const bytes = new Uint8Array(count * 8);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < count; index++) {
      view.setUint32(index * 8, this.#heads[count - 1 - index]!, true);
      view.setUint32(index * 8 + 4, this.#operands[count - 1 - index]!, true);
    }
    return bytes;
  }

  /** A place within a jump's reach that is, or leads to, `target`. */
  #near(target: Target): number {
    if ('place' in target) {
      if (this.#heads.length - target.place <= reach) return target.place;
      this.enter(target);
      return this.#heads.length;
    }
    const known = this.#verdicts.get(target.verdict);
    if (known !== undefined && this.#heads.length - known <= reach) return known;
    this.enter(target);
    this.#verdicts.set(target.verdict, this.#heads.length);
    return this.#heads.length;
  }

  #write(head: number, operand: number): { readonly place: number } {
    this.#heads.push(head >>> 0);
    this.#operands.push(operand >>> 0);
    return { place: this.#heads.length };
  }
}
