// "did you mean …?": the known word that is nearest to a given one.

/** Words further away than this are another word, not a slip of the finger. */
const distanceMax = 2;
/** A longer word is nobody's slip, and comparing it would cost. */
const lengthMax = 64;

/** The nearest of `options`, the first of several; undefined when the word is among them, or none is near. */
export function nearest(word: string, options: Iterable<string>, { ignoreCase = false } = {}): string | undefined {
  const fold = (text: string): string => ignoreCase ? text.toLowerCase() : text;
  const wanted = fold(word);
  if (wanted.length > lengthMax) return undefined;
  let found: { readonly option: string; readonly distance: number } | undefined;
  for (const option of options) {
    const candidate = fold(option);
    if (candidate === wanted) return undefined;
    if (Math.abs(candidate.length - wanted.length) > distanceMax) continue;
    const distance = editDistance(wanted, candidate);
    if (distance <= distanceMax && (found === undefined || distance < found.distance)) found = { option, distance };
  }
  return found?.option;
}

/** ` (did you mean x?)`, or nothing. */
export function didYouMean(word: string, options: Iterable<string>, how?: { readonly ignoreCase: boolean }): string {
  const option = nearest(word, options, how);
  return option === undefined ? '' : ` (did you mean ${option}?)`;
}

/** Levenshtein's: inserted, removed and exchanged characters count one each. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
  }
  return row[b.length]!;
}
