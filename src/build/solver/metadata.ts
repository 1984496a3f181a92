// The instructions that change an image's configuration and no file, with the words that history has for them, which are dockerd's.
import { configure, defaultShell, type Command, type HealthCheck } from '../../spec/dockerfile/index.ts';
import type { ImageRunConfig } from '../../spec/oci/image.ts';
import type { Step } from '../step.ts';
import type { BuildState } from './state.ts';
import type { StepRoom, Work } from './work.ts';

export interface Metadata {
  readonly config: ImageRunConfig;
  readonly author?: string;
  /** Behind `#(nop) `. */
  readonly words: string;
  readonly setsCommand?: boolean;
}

export function metadataWork(step: Step, { config, hasOwnCommand }: BuildState, { options: { epochSeconds } }: StepRoom): Work {
  const { instruction } = step;
  const metadata = metadataOf(step, config, hasOwnCommand);
  if (metadata === undefined) throw new Error(`No step is made of ${instruction.kind}`);
  const { words, author, setsCommand } = metadata;
  const shell = instruction.kind === 'SHELL' ? instruction.words : step.shell ?? defaultShell;
  return {
    keyParts: ['metadata', words, metadata.config, epochSeconds], createdBy: `${shell.join(' ')} #(nop)  ${words}`, config: metadata.config, ...author === undefined ? {} : { author },
    ...setsCommand === true ? { hasOwnCommand: true } : {}, make: () => Promise.resolve(undefined),
  };
}

/** Undefined for what changes files: RUN, COPY, ADD, WORKDIR. */
export function metadataOf({ instruction, shell = defaultShell, ports }: Pick<Step, 'instruction' | 'shell' | 'ports'>, before: ImageRunConfig, hasOwnCommand: boolean): Metadata | undefined {
  const config = configure(instruction, before, { shell, ports, hasOwnCommand }) ?? before;
  switch (instruction.kind) {
    case 'ARG': return { config, words: `ARG ${instruction.text.replace(/^\S+\s+/, '')}` };
    case 'MAINTAINER': return { config, author: instruction.name, words: `MAINTAINER ${instruction.name}` };
    case 'ENV': case 'LABEL': return { config, words: `${instruction.kind} ${pairsText(instruction)}` };
    case 'EXPOSE': return { config, words: `EXPOSE ${instruction.ports.join(' ')}` };
    case 'VOLUME': return { config, words: `VOLUME [${instruction.paths.join(' ')}]` };
    case 'USER': return { config, words: `USER ${instruction.user}` };
    case 'STOPSIGNAL': return { config, words: `STOPSIGNAL ${instruction.signal}` };
    case 'SHELL': return { config, words: `SHELL [${instruction.words.join(' ')}]` };
    case 'ONBUILD': return { config, words: `ONBUILD ${instruction.trigger}` };
    case 'HEALTHCHECK': return { config, words: `HEALTHCHECK ${healthText(instruction.check)}` };
    case 'CMD': return { config, words: `CMD ${quoted(config.Cmd ?? [])}`, setsCommand: true };
    case 'ENTRYPOINT': return { config, words: `ENTRYPOINT ${quoted(config.Entrypoint ?? [])}` };
    default: return undefined;
  }
}

function pairsText({ pairs }: Extract<Command, { kind: 'ENV' | 'LABEL' }>): string {
  return pairs.map(({ key, value }) => `${key}=${value}`).join(' ');
}

function quoted(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
}

function healthText({ test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries }: HealthCheck): string {
  return `&{[${test.join(' ')}] ${[intervalNs, timeoutNs, startPeriodNs, startIntervalNs].map(durationText).join(' ')} ${retries}}`;
}

/** As Go writes durations: `1m30s`, `500ms`. */
function durationText(ns: number): string {
  if (ns === 0) return '0s';
  if (ns < 1e9) return ns < 1e6 ? `${ns / 1e3}µs` : `${ns / 1e6}ms`;
  const seconds = ns / 1e9;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${Number((seconds % 60).toFixed(9))}s`;
}
