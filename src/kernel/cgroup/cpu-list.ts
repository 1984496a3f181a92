// Lists of CPUs and memory nodes: `0-3,5`. Source: cpuset(7), "List format".
//
// A list comes from outside and its numbers can be huge: it is kept as ranges, and refused above Docker's own bound before anybody counts.
import { fail } from '../../base/index.ts';

const numberMax = 8192;
const textCharactersMax = 16_384;

type Range = readonly [first: number, last: number];

/** @throws EstivaError invalid, in Docker's words: `what` is `cpus` or `mems`. */
export function parseCpuList(text: string, what: 'cpus' | 'mems'): readonly Range[] {
  const refuse = (reason: string): Error => fail('invalid', `Invalid value ${text.slice(0, 200)} for cpuset ${what}: ${reason}`);
  if (text.length > textCharactersMax) throw refuse('too long');
  return text.split(',').map((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) throw refuse(`invalid format: ${part.slice(0, 200)}`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) throw refuse(`invalid format: ${part}`);
    if (last > numberMax) throw refuse(`value of out range, maximum is ${numberMax}`);
    return [first, last];
  });
}

/** Refuses numbers that `available` (the kernel's list) does not have. @throws EstivaError invalid */
export function checkAvailable(text: string, what: 'cpus' | 'mems', available: string): void {
  const asked = parseCpuList(text, what);
  const there = available === '' ? [] : parseCpuList(available, what);
  if (asked.every(([first, last]) => isCovered(first, last, there))) return;
  const noun = what === 'cpus' ? 'CPUs' : 'memory nodes';
  throw fail('invalid', `Requested ${noun} are not available - requested ${text}, available: ${available}`);
}

function isCovered(first: number, last: number, ranges: readonly Range[]): boolean {
  for (let number = first; number <= last; number++) if (!ranges.some(([from, to]) => from <= number && number <= to)) return false;
  return true;
}
