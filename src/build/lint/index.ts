// Lint: all rules over a Dockerfile, as far as it could be read.
import type { Dockerfile, IgnoreFile } from '../../spec/dockerfile/index.ts';
import type { Analysis } from '../analyze.ts';
import type { BuildRequest } from '../request.ts';
import { baseFindings, defaultBases } from './bases.ts';
import type { Finding } from './finding.ts';
import { isWanted, type LintSettings } from './settings.ts';
import { stepFindings } from './steps.ts';
import { emptyContinuations, instructionCasing, instructionFindings, stageNames } from './written.ts';

export type { Finding } from './finding.ts';
export { pageOf, rules } from './rules.ts';
export { readLintSettings } from './settings.ts';

export interface Linted {
  readonly dockerfile: Dockerfile;
  /** Undefined for a file that is wrong: then only what is written is looked at. */
  readonly analysis: Analysis | undefined;
  readonly request: BuildRequest;
  readonly ignored: IgnoreFile | undefined;
  readonly settings: LintSettings;
}

/** In the order of the lines. */
export function lint({ dockerfile, analysis, request, ignored, settings }: Linted): readonly Finding[] {
  const written = [...emptyContinuations(dockerfile), ...instructionFindings(dockerfile)];
  const meant = analysis === undefined ? [] : [...stageNames(dockerfile), ...instructionCasing(dockerfile), ...defaultBases(dockerfile, request), ...baseFindings(analysis, request), ...stepFindings(analysis, ignored)];
  return [...written, ...meant].filter((finding) => isWanted(finding, settings)).sort((a, b) => a.lines.start - b.lines.start);
}
