// The instructions of a Dockerfile as values. Texts are as written: variables in them are replaced by whoever builds (src/build), which knows
// what they are there. What is a list in JSON (`["a", "b"]`) and what is for a shell are told apart.
import type { Heredoc } from './heredoc.ts';
import type { LineRange } from './source.ts';

/** What every instruction has. */
export interface Placed {
  /** As it is written: `RUN`, `run`. */
  readonly keyword: string;
  /** The whole instruction in one line. */
  readonly text: string;
  readonly lines: LineRange;
  /** The comments above it, without `#`. */
  readonly comments: readonly string[];
}

export interface Pair {
  readonly key: string;
  readonly value: string;
  /** Written `KEY value`, without `=`. */
  readonly isLegacy: boolean;
}

export interface Argument {
  readonly name: string;
  /** The default, if it has one. */
  readonly value: string | undefined;
  /** From a comment above: `# NAME what it is`. */
  readonly description: string | undefined;
}

/** What a program is started with: the words of a JSON list, or a line for a shell with the heredocs in it. */
export type CommandLine =
  | { readonly form: 'exec'; readonly words: readonly string[] }
  | { readonly form: 'shell'; readonly line: string; readonly heredocs: readonly Heredoc[] };

/** A file written right in the Dockerfile, as a source of COPY or ADD. */
export interface InlineFile {
  readonly name: string;
  readonly content: string;
  /** Whether variables in it are replaced. */
  readonly expands: boolean;
}

/** What COPY and ADD have in common. */
export interface Files {
  readonly sources: readonly string[];
  readonly inline: readonly InlineFile[];
  readonly destination: string;
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly link: boolean;
  readonly exclude: readonly string[];
}

/** Durations in nanoseconds, as images have them; 0 means the default. */
export interface HealthCheck {
  /** `NONE`, `CMD` and words, or `CMD-SHELL` and a line. */
  readonly test: readonly string[];
  readonly intervalNs: number;
  readonly timeoutNs: number;
  readonly startPeriodNs: number;
  readonly startIntervalNs: number;
  readonly retries: number;
}

export interface From extends Placed {
  readonly kind: 'FROM';
  readonly base: string;
  /** In lower case. */
  readonly name: string | undefined;
  readonly writtenName: string | undefined;
  /** `AS` as it is written. */
  readonly as: string | undefined;
  readonly platform: string | undefined;
  /** From a comment above: `# NAME what it is`. */
  readonly description: string | undefined;
}

export interface Arg extends Placed { readonly kind: 'ARG'; readonly args: readonly Argument[] }
export interface Env extends Placed { readonly kind: 'ENV'; readonly pairs: readonly Pair[] }
export interface Label extends Placed { readonly kind: 'LABEL'; readonly pairs: readonly Pair[] }
export interface Copy extends Placed, Files { readonly kind: 'COPY'; readonly from: string | undefined; readonly parents: boolean }
export interface Add extends Placed, Files {
  readonly kind: 'ADD';
  readonly keepGitDir: boolean | undefined;
  readonly checksum: string | undefined;
  readonly unpack: boolean | undefined;
}
export interface Run extends Placed {
  readonly kind: 'RUN';
  readonly command: CommandLine;
  /** As written; `readMount` reads them, once variables are known. */
  readonly mounts: readonly string[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
}
export interface Cmd extends Placed { readonly kind: 'CMD'; readonly command: CommandLine }
export interface Entrypoint extends Placed { readonly kind: 'ENTRYPOINT'; readonly command: CommandLine }
export interface Shell extends Placed { readonly kind: 'SHELL'; readonly words: readonly string[] }
export interface Healthcheck extends Placed { readonly kind: 'HEALTHCHECK'; readonly check: HealthCheck }
export interface Expose extends Placed { readonly kind: 'EXPOSE'; readonly ports: readonly string[] }
export interface Volume extends Placed { readonly kind: 'VOLUME'; readonly paths: readonly string[] }
export interface User extends Placed { readonly kind: 'USER'; readonly user: string }
export interface Workdir extends Placed { readonly kind: 'WORKDIR'; readonly path: string }
export interface StopSignal extends Placed { readonly kind: 'STOPSIGNAL'; readonly signal: string }
export interface Maintainer extends Placed { readonly kind: 'MAINTAINER'; readonly name: string }
/** An instruction for the builds that start from the image. */
export interface OnBuild extends Placed { readonly kind: 'ONBUILD'; readonly trigger: string }

export type Command = Arg | Env | Label | Copy | Add | Run | Cmd | Entrypoint | Shell | Healthcheck | Expose | Volume | User | Workdir | StopSignal | Maintainer | OnBuild;
export type Instruction = From | Command;
