// Where in a Dockerfile something stands, and the error that points there.
import { EstivaError } from '../../base/index.ts';

/** Lines of a file, from 1, both included. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** A Dockerfile that is wrong: what BuildKit says of it, the lines it is about (none: the file as a whole), and the way out. */
export class DockerfileError extends EstivaError {
  readonly lines: readonly LineRange[];
  /** Whether already the text is wrong, before it is an instruction: BuildKit says so without a line number in the sentence. */
  readonly isOfText: boolean;

  constructor(message: string, lines: readonly LineRange[], hint?: string, isOfText = false) {
    super('invalid', message, { hint });
    this.lines = lines;
    this.isOfText = isOfText;
  }
}

/** Gives an error that knows no lines those of the instruction it was found in, and what BuildKit puts before it. */
export function locate(error: unknown, lines: LineRange, prefix = ''): unknown {
  if (!(error instanceof DockerfileError)) return error;
  return new DockerfileError(`${error.isOfText ? '' : prefix}${error.message}`, error.lines.length > 0 ? error.lines : [lines], error.hint, error.isOfText);
}

/** An error whose lines are not known here: whoever has the instruction at hand adds them with `locate`. */
export function wrong(message: string, hint?: string): DockerfileError {
  return new DockerfileError(message, [], hint);
}

/** The same, for what is no instruction at all. */
export function wrongText(message: string, hint?: string): DockerfileError {
  return new DockerfileError(message, [], hint, true);
}
