// What a forked child finds of our memory. A child that others may look into before its execve shall find nothing there but its program:
// everything else is marked so that a fork gets empty pages of it, or none at all. For us nothing changes, and a child that shares our memory
// (CLONE_VM) is not concerned.
//
// Empty rather than absent where the kernel can do that: each thread has told the kernel an address in its memory (rseq(2)), which must be there
// in the child too. Source: madvise(2).
import { readFileSync } from 'node:fs';
import { call, stubAddress } from './call.ts';
import { mapSharedMemory, type NativeMemory } from './ffi.ts';

const MADV_DONTFORK = 10;
const MADV_WIPEONFORK = 18;
const pageBytes = 4096;

interface Range { readonly start: number; readonly end: number }

/** Of all that is mapped now, children to come get `keep` and the stub: only for a process that forks in no other way. @throws KernelError */
export function hideFromForks(keep: readonly NativeMemory[]): void {
  const kept = [{ start: Number(stubAddress), end: Number(stubAddress) + pageBytes }, ...keep.map(({ address, bytes }) => ({ start: address, end: address + bytes.length }))];
  for (const { advice, ...mapped } of mappings()) {
    for (const { start, end } of kept.reduce((ranges, hole) => ranges.flatMap((range) => without(range, hole)), [mapped as Range])) call('madvise', start, end - start, advice);
  }
}

/** All but the kernel's own pages (vdso and its like), which say nothing about us. Source: proc_pid_maps(5). */
function mappings(): readonly (Range & { readonly advice: number })[] {
  const lines = readFileSync('/proc/self/maps', 'latin1').split('\n').filter((line) => !line.includes(' [v'));
  return lines.flatMap((line) => {
    const [, start, end, sharing, inode] = /^([0-9a-f]+)-([0-9a-f]+) ...(.) \S+ \S+ (\d+)/.exec(line) ?? [];
    if (start === undefined || end === undefined) return [];
    return [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), advice: sharing === 'p' && inode === '0' ? MADV_WIPEONFORK : MADV_DONTFORK }];
  });
}

function without({ start, end }: Range, hole: Range): readonly Range[] {
  if (hole.end <= start || hole.start >= end) return [{ start, end }];
  return [{ start, end: hole.start }, { start: hole.end, end }].filter((part) => part.start < part.end);
}

/** A page in which a child, and nobody that it makes, can leave a number for us. */
export class SharedPage implements Disposable {
  readonly memory = mapSharedMemory(pageBytes);

  get int32(): number {
    return new DataView(this.memory.bytes.buffer).getInt32(0, true);
  }

  [Symbol.dispose](): void {
    call('munmap', this.memory.address, pageBytes);
  }
}
