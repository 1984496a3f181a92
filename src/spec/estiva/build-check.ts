// What POST /estiva/build/check takes and answers. The answers have the shape of BuildKit's subrequests (lint, outline, targets), so that what
// reads `docker buildx build --call=check,format=json` reads this, too. Bytes of files are in base64; lines count from 1.
import type { LineRange } from '../dockerfile/index.ts';

export const buildCalls = ['check', 'outline', 'targets'] as const;
export type BuildCall = typeof buildCalls[number];

export interface BuildFile {
  readonly name: string;
  readonly text: string;
}

export interface BuildCheckRequest {
  readonly call: BuildCall;
  readonly dockerfile: BuildFile;
  /** `.dockerignore`, or the Dockerfile's own. */
  readonly ignoreFile: BuildFile | null;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Empty: the last stage. */
  readonly target: string;
  /** Empty: this machine's. */
  readonly platform: string;
}

export interface SourceRange {
  readonly start: { readonly line: number };
  readonly end: { readonly line: number };
}

export interface SourceLocation {
  readonly ranges?: readonly SourceRange[];
}

export interface LintWarning {
  readonly ruleName: string;
  readonly description: string;
  readonly url: string;
  readonly detail: string;
  readonly location: SourceLocation;
}

/** A mistake that a build would end with. */
export interface BuildFault {
  readonly message: string;
  /** Ours: the way out. */
  readonly hint?: string;
  readonly location?: SourceLocation;
}

export interface CheckResult {
  /** BuildKit's null for none. */
  readonly warnings: readonly LintWarning[] | null;
  readonly sources: readonly { readonly filename: string; readonly data: string; readonly language: 'Dockerfile' }[];
  readonly buildError?: BuildFault;
  /** Ours: images that are not here, so that their variables, ONBUILD and platform could not be looked at. */
  readonly unknownImages?: readonly string[];
}

export interface OutlineResult {
  readonly name?: string;
  readonly description?: string;
  readonly args?: readonly { readonly name: string; readonly description?: string; readonly value?: string; readonly location: SourceLocation }[];
  readonly secrets?: readonly OutlineNeed[];
  readonly ssh?: readonly OutlineNeed[];
  readonly sources: readonly string[];
  /** Ours: what would end the build; then there is nothing else. */
  readonly buildError?: BuildFault;
}

export interface OutlineNeed {
  readonly name: string;
  readonly required?: boolean;
  readonly location: SourceLocation;
}

export interface BuildTarget {
  readonly name?: string;
  readonly default?: boolean;
  readonly description?: string;
  readonly base: string;
  readonly platform?: string;
  readonly location: SourceLocation;
}

export interface TargetsResult {
  readonly targets?: readonly BuildTarget[];
  readonly sources: readonly string[];
  /** Ours: what would end the build; then there is nothing else. */
  readonly buildError?: BuildFault;
}

export function locationOf(lines: readonly LineRange[]): SourceLocation {
  return lines.length === 0 ? {} : { ranges: lines.map(({ start, end }) => ({ start: { line: start }, end: { line: end } })) };
}

/** The lines of a location, as far as it has any. */
export function linesOf({ ranges = [] }: SourceLocation): readonly LineRange[] {
  return ranges.map(({ start, end }) => ({ start: start.line, end: end.line }));
}
