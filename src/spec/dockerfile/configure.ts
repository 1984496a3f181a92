// The instructions that change an image's configuration: functions from configuration to configuration. Source: Dockerfile reference.
import { posix } from 'node:path';
import type { ImageRunConfig } from '../oci/image.ts';
import type { Command, CommandLine, HealthCheck } from './instruction.ts';

export const defaultShell: readonly string[] = ['/bin/sh', '-c'];

export interface Configuring {
  /** Of CMD and ENTRYPOINT that are no list. */
  readonly shell: readonly string[];
  /** What EXPOSE comes to: `80/tcp`. */
  readonly ports: readonly string[];
  /** Whether CMD was said before, and is not the base's: an entry point drops the base's. */
  readonly hasOwnCommand: boolean;
}

/** Undefined for an instruction that says nothing of it. Variables are replaced already. */
export function configure(instruction: Command, config: ImageRunConfig, { shell, ports, hasOwnCommand }: Configuring): ImageRunConfig | undefined {
  switch (instruction.kind) {
    case 'ENV': return { ...config, Env: instruction.pairs.reduce(withVariable, config.Env ?? []) };
    case 'LABEL': return { ...config, Labels: { ...config.Labels, ...Object.fromEntries(instruction.pairs.map(({ key, value }) => [key, value])) } };
    case 'EXPOSE': return { ...config, ExposedPorts: { ...config.ExposedPorts, ...keys(ports) } };
    case 'VOLUME': return { ...config, Volumes: { ...config.Volumes, ...keys(instruction.paths) } };
    case 'USER': return { ...config, User: instruction.user };
    case 'WORKDIR': return { ...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '', instruction.path) };
    case 'STOPSIGNAL': return { ...config, StopSignal: instruction.signal };
    case 'SHELL': return { ...config, Shell: instruction.words };
    case 'ONBUILD': return { ...config, OnBuild: [...config.OnBuild ?? [], instruction.trigger] };
    case 'HEALTHCHECK': return { ...config, Healthcheck: healthcheckOf(instruction.check) };
    case 'CMD': return { ...config, Cmd: wordsOf(instruction.command, shell) };
    case 'ENTRYPOINT': {
      const { Cmd, ...rest } = config;
      return { ...rest, ...hasOwnCommand && Cmd !== undefined ? { Cmd } : {}, Entrypoint: wordsOf(instruction.command, shell) };
    }
    default: return undefined;
  }
}

/** What is run: the words as they are, or a line by the shell. */
function wordsOf(command: CommandLine, shell: readonly string[]): readonly string[] {
  return command.form === 'exec' ? command.words : command.line === '' ? [] : [...shell, command.line];
}

function withVariable(env: readonly string[], { key, value }: { readonly key: string; readonly value: string }): readonly string[] {
  const at = env.findIndex((entry) => entry.startsWith(`${key}=`));
  return at < 0 ? [...env, `${key}=${value}`] : env.with(at, `${key}=${value}`);
}

function keys(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

/** What is zero is left to the engine that runs it. */
function healthcheckOf({ test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries }: HealthCheck): NonNullable<ImageRunConfig['Healthcheck']> {
  const all = { Interval: intervalNs, Timeout: timeoutNs, StartPeriod: startPeriodNs, StartInterval: startIntervalNs, Retries: retries };
  return { Test: test, ...Object.fromEntries(Object.entries(all).filter(([, value]) => value !== 0)) };
}
