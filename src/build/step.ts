// A step: one instruction of a stage with its variables replaced, and what is known where it stands. What a solver works on.
import type { Argument, Command, Mount } from '../spec/dockerfile/index.ts';
import type { Base } from './stages.ts';

/** An ARG of a stage with the value that it has. */
export interface StageArgument extends Argument {
  readonly isGlobal: boolean;
}

export interface Step {
  /** Variables replaced. */
  readonly instruction: Command;
  /** Whether an ONBUILD of the base brought it. */
  readonly isTrigger: boolean;
  /** What COPY --from and the mounts of RUN read, in their order. */
  readonly sources: readonly Base[];
  /** Of RUN. */
  readonly mounts: readonly Mount[];
  /** The ports that EXPOSE opens: `80/tcp`. */
  readonly ports: readonly string[];
  /** What variables are here. */
  readonly environment: () => ReadonlyMap<string, string>;
  /** The stage's ARGs up to here, and those that the step itself declares. */
  readonly arguments: () => readonly StageArgument[];
  /** SHELL's words, when there are any. */
  readonly shell: readonly string[] | undefined;
  /** For lint: names that nobody defined. */
  readonly undefinedNames: readonly string[];
}
