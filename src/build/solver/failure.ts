// A build that came to nothing: what a person reads, the lines of the Dockerfile that it is about, and the exit code of a program that failed.
import { EstivaError, isFail } from '../../base/index.ts';
import { DockerfileError, type LineRange } from '../../spec/dockerfile/index.ts';

export class BuildFailure extends EstivaError {
  readonly lines: readonly LineRange[];
  readonly exitCode: number | undefined;
  /** The last of what its program said. */
  readonly output: string;

  constructor(message: string, { lines, exitCode, output = '', hint, cause }: { readonly lines: readonly LineRange[]; readonly exitCode?: number | undefined; readonly output?: string; readonly hint?: string | undefined; readonly cause?: unknown }) {
    super('invalid', message, { hint, cause });
    this.lines = lines;
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** A foreseen error of a step gets the step's lines; a bug stays one. */
export function failedAt(error: unknown, lines: LineRange): unknown {
  if (error instanceof BuildFailure || !isFail(error)) return error;
  const own = error instanceof DockerfileError && error.lines.length > 0 ? error.lines : [lines];
  return new BuildFailure(error.message, { lines: own, hint: error.hint, cause: error });
}
