// A build that failed, for a person: what went wrong, the lines of the Dockerfile around it, and what the exit code means.
import { constants } from 'node:os';
import { excerpt } from '../../spec/dockerfile/index.ts';
import type { BuildFile } from '../../spec/estiva/build-check.ts';

export interface ShownFailure {
  readonly message: string;
  readonly code: number | undefined;
  readonly lines: readonly (readonly [start: number, end: number])[];
}

export function failureLines({ message, code, lines }: ShownFailure, dockerfile: BuildFile | undefined): readonly string[] {
  const meaning = code === undefined ? undefined : meaningOf(code);
  return [
    `ERROR: ${message}`,
    ...dockerfile === undefined ? [] : excerpt(dockerfile.name, dockerfile.text, lines.map(([start, end]) => ({ start, end }))),
    ...meaning === undefined ? [] : [`Exit code ${code}: ${meaning}`],
  ];
}

/** What shells and the kernel mean by it. */
function meaningOf(code: number): string | undefined {
  if (code === 126) return 'the program is there, and cannot be run';
  if (code === 127) return 'the program was not found';
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined ? undefined : `it was ended by ${signal}${signal === 'SIGKILL' ? ', as it is when memory runs out' : ''}`;
}
