// The patterns of COPY and ADD sources, part by part of a path: `*` any characters, `?` one, `[a-z]` one of several, `\` takes the meaning away.
// Source: Go's filepath.Match, which Docker's documentation refers to.
import { wrong } from '../../spec/dockerfile/index.ts';

export function isPattern(part: string): boolean {
  return /[*?[\\]/.test(part);
}

/** Whether a name fits. @throws for a bracket without end */
export function matcherOf(part: string): (name: string) => boolean {
  const tokens = [...part.matchAll(/\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|[^]/gsu)].map(([whole, escaped, negation, ranges]): string => {
    if (escaped !== undefined) return literal(escaped);
    if (ranges !== undefined) return `[${negation}${ranges.replace(/[[^]/g, '\\$&')}]`;
    if (whole === '[' || whole === '\\') throw wrong(`syntax error in pattern: ${JSON.stringify(part)}`, 'Escape a bracket that is meant as one with a backslash');
    return whole === '*' ? '.*' : whole === '?' ? '.' : literal(whole);
  });
  // Stars side by side would make it go back and forth for nothing.
  const pattern = new RegExp(`^${tokens.filter((token, i) => token !== '.*' || tokens[i - 1] !== '.*').join('')}$`, 's');
  return (name) => pattern.test(name);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
