// The lines around a mistake, as BuildKit shows them: those it is about marked, with one or two lines before and after.
import type { LineRange } from './source.ts';

/** Longer lines are shown to here. */
const shownMax = 1000;

/** `name:LINE` and the lines; nothing when no lines are known. */
export function excerpt(name: string, text: string, ranges: readonly LineRange[]): readonly string[] {
  const lines = text.split(/\r?\n/);
  const first = Math.min(...ranges.map(({ start }) => start));
  if (ranges.length === 0 || first < 1 || first > lines.length) return [];
  const last = Math.min(lines.length, Math.max(...ranges.map(({ end }) => end)));
  const [from, to] = widen(first, last, lines.length);
  const isMarked = (number: number): boolean => ranges.some(({ start, end }) => number >= start && number <= end);
  const shown = lines.slice(from - 1, to).map((line, i) => ` ${String(from + i).padStart(3)} | ${isMarked(from + i) ? '>>>' : '   '} ${line.length > shownMax ? `${line.slice(0, shownMax)}…` : line}`);
  return [`${name}:${first}`, '--------------------', ...shown, '--------------------'];
}

/** A single line gets twice the company of several. A side without lines left counts only once a round, so that the other gets some more. */
function widen(first: number, last: number, lineCount: number): readonly [from: number, to: number] {
  let [from, to] = [first, last];
  for (let spent = 0; spent < (first === last ? 4 : 2); spent++) {
    if (from > 1) [from, spent] = [from - 1, spent + 1];
    if (to < lineCount) [to, spent] = [to + 1, spent + 1];
  }
  return [from, to];
}
