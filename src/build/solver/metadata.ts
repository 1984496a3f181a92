// The instructions that change an image's configuration and no file. Each is a function from configuration to configuration, with the words that
// history has for it. Source: Dockerfile reference; the words are dockerd's.
import type { Command, CommandLine, HealthCheck } from '../../spec/dockerfile/index.ts';
import type { ImageRunConfig } from '../../spec/oci/image.ts';
import { defaultShell } from '../program.ts';
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
export function metadataOf({ instruction, shell = defaultShell, ports }: Pick<Step, 'instruction' | 'shell' | 'ports'>, config: ImageRunConfig, hasOwnCommand: boolean): Metadata | undefined {
  switch (instruction.kind) {
    case 'ARG': return { config, words: `ARG ${instruction.text.replace(/^\S+\s+/, '')}` };
    case 'MAINTAINER': return { config, author: instruction.name, words: `MAINTAINER ${instruction.name}` };
    case 'ENV': return { config: { ...config, Env: instruction.pairs.reduce(withVariable, config.Env ?? []) }, words: `ENV ${pairsText(instruction)}` };
    case 'LABEL': return { config: { ...config, Labels: { ...config.Labels, ...Object.fromEntries(instruction.pairs.map(({ key, value }) => [key, value])) } }, words: `LABEL ${pairsText(instruction)}` };
    case 'EXPOSE': return { config: { ...config, ExposedPorts: { ...config.ExposedPorts, ...keys(ports) } }, words: `EXPOSE ${instruction.ports.join(' ')}` };
    case 'VOLUME': return { config: { ...config, Volumes: { ...config.Volumes, ...keys(instruction.paths) } }, words: `VOLUME [${instruction.paths.join(' ')}]` };
    case 'USER': return { config: { ...config, User: instruction.user }, words: `USER ${instruction.user}` };
    case 'STOPSIGNAL': return { config: { ...config, StopSignal: instruction.signal }, words: `STOPSIGNAL ${instruction.signal}` };
    case 'SHELL': return { config: { ...config, Shell: instruction.words }, words: `SHELL [${instruction.words.join(' ')}]` };
    case 'ONBUILD': return { config: { ...config, OnBuild: [...config.OnBuild ?? [], instruction.trigger] }, words: `ONBUILD ${instruction.trigger}` };
    case 'HEALTHCHECK': return { config: { ...config, Healthcheck: healthcheckOf(instruction.check) }, words: `HEALTHCHECK ${healthText(instruction.check)}` };
    case 'CMD': {
      const Cmd = wordsOf(instruction.command, shell);
      return { config: { ...config, Cmd }, words: `CMD ${quoted(Cmd)}`, setsCommand: true };
    }
    case 'ENTRYPOINT': {
      const Entrypoint = wordsOf(instruction.command, shell);
      const { Cmd, ...rest } = config;
      return { config: { ...rest, ...hasOwnCommand && Cmd !== undefined ? { Cmd } : {}, Entrypoint }, words: `ENTRYPOINT ${quoted(Entrypoint)}` };
    }
    default: return undefined;
  }
}

/** What is run: the words as they are, or a line by the shell. */
export function wordsOf(command: CommandLine, shell: readonly string[]): readonly string[] {
  return command.form === 'exec' ? command.words : command.line === '' ? [] : [...shell, command.line];
}

function pairsText({ pairs }: Extract<Command, { kind: 'ENV' | 'LABEL' }>): string {
  return pairs.map(({ key, value }) => `${key}=${value}`).join(' ');
}

function withVariable(env: readonly string[], { key, value }: { readonly key: string; readonly value: string }): readonly string[] {
  const at = env.findIndex((entry) => entry.startsWith(`${key}=`));
  return at < 0 ? [...env, `${key}=${value}`] : env.with(at, `${key}=${value}`);
}

function keys(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function quoted(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
}

/** What is zero is left to the engine that runs it. */
function healthcheckOf({ test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries }: HealthCheck): NonNullable<ImageRunConfig['Healthcheck']> {
  const all = { Interval: intervalNs, Timeout: timeoutNs, StartPeriod: startPeriodNs, StartInterval: startIntervalNs, Retries: retries };
  return { Test: test, ...Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0)) };
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
