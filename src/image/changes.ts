// `--change`: the Dockerfile instructions that alter an image's configuration and nothing else. Each is a function from configuration to
// configuration. Source: Dockerfile reference; the messages are those of dockerd.
import { posix } from 'node:path';
import { fail, parseDuration } from '../base/index.ts';
import { signalNumber } from '../kernel/index.ts';
import type { ImageRunConfig } from '../spec/oci/image.ts';
import { splitWords } from './words.ts';

type Instruction = (config: ImageRunConfig, text: string) => ImageRunConfig;

const instructions: Readonly<Record<string, Instruction>> = {
  CMD: (config, text) => ({ ...config, Cmd: command(text) }),
  ENTRYPOINT: (config, text) => ({ ...config, Entrypoint: command(text) }),
  ENV: (config, text) => pairs('ENV', config, text).reduce(withEnv, config),
  EXPOSE: (config, text) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(words('EXPOSE', config, text).flatMap(ports).map((port) => [port, {}])) } }),
  HEALTHCHECK: (config, text) => ({ ...config, Healthcheck: healthcheck(text) }),
  LABEL: (config, text) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairs('LABEL', config, text)) } }),
  ONBUILD: (config, text) => ({ ...config, OnBuild: [...config.OnBuild ?? [], trigger(text)] }),
  STOPSIGNAL: (config, text) => ({ ...config, StopSignal: signal(single('STOPSIGNAL', config, text)) }),
  USER: (config, text) => ({ ...config, User: single('USER', config, text) }),
  VOLUME: (config, text) => ({ ...config, Volumes: { ...config.Volumes, ...Object.fromEntries(volumes(config, text).map((path) => [path, {}])) } }),
  WORKDIR: (config, text) => ({ ...config, WorkingDir: posix.resolve(config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir, single('WORKDIR', config, text)) }),
};

const takesOne: ReadonlySet<string> = new Set(['STOPSIGNAL', 'USER', 'WORKDIR']);

/** @throws `invalid` for anything that is not one of the instructions, rightly written. */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const lines = changes.flatMap((change) => change.split('\n')).filter((line) => line.trim() !== '');
  return lines.reduce((before, line, i) => {
    const after = applyChange(before, line);
    return /^\s*ENTRYPOINT\b/i.test(line) && !lines.slice(0, i).some((earlier) => /^\s*CMD\b/i.test(earlier)) ? withoutCmd(after) : after;
  }, config);
}

/** A new entry point drops the command of the old one. */
function withoutCmd(config: ImageRunConfig): ImageRunConfig {
  return Object.fromEntries(Object.entries(config).filter(([name]) => name !== 'Cmd'));
}

function applyChange(config: ImageRunConfig, line: string): ImageRunConfig {
  const [, name = '', text = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
  if (line.includes('\0')) throw fail('invalid', 'A change contains a NUL character');
  const instruction = Object.hasOwn(instructions, name.toUpperCase()) ? instructions[name.toUpperCase()]! : undefined;
  if (instruction === undefined) throw fail('invalid', `${name} is not a valid change command`, { hint: `Use one of ${Object.keys(instructions).join(', ')}` });
  if (text === '' && !['CMD', 'ENTRYPOINT'].includes(name.toUpperCase())) throw fail('invalid', `${name.toUpperCase()} requires ${takesOne.has(name.toUpperCase()) ? 'exactly' : 'at least'} one argument`);
  return instruction(config, text);
}

/** `["a", "b"]` as it stands; anything else is for a shell. */
function command(text: string): readonly string[] {
  return jsonTexts(text) ?? (text === '' ? [] : ['/bin/sh', '-c', text]);
}

function jsonTexts(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch (error) {
    // Docker's rule: what is not JSON is shell, even with a bracket.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function words(name: string, config: ImageRunConfig, text: string): readonly string[] {
  const env = new Map((config.Env ?? []).map((entry) => splitAt(entry, '=')));
  const found = splitWords(text, (variable) => env.get(variable) ?? '');
  if (found.length === 0) throw fail('invalid', `${name} requires at least one argument`);
  return found;
}

function single(name: string, config: ImageRunConfig, text: string): string {
  const [word, ...more] = words(name, config, text);
  if (more.length > 0 || word === '') throw fail('invalid', `${name} requires exactly one argument`);
  return word!;
}

/** `K=V K2="v w"`, or the old form `K the rest`. */
function pairs(name: string, config: ImageRunConfig, text: string): readonly (readonly [string, string])[] {
  const firstWord = text.split(/\s/, 1)[0]!;
  if (!firstWord.includes('=')) {
    const rest = text.slice(firstWord.length).trim();
    if (rest === '') throw fail('invalid', `${name} must have two arguments`);
    return [[firstWord, words(name, config, rest).join(' ')]];
  }
  return words(name, config, text).map((word) => {
    const [key, value] = splitAt(word, '=');
    if (!word.includes('=')) throw fail('invalid', `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    if (key === '') throw fail('invalid', `${name} names can not be blank`);
    return [key, value];
  });
}

function splitAt(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function withEnv(config: ImageRunConfig, [key, value]: readonly [string, string]): ImageRunConfig {
  const env = config.Env ?? [];
  const entry = `${key}=${value}`;
  const at = env.findIndex((one) => one.startsWith(`${key}=`));
  return { ...config, Env: at < 0 ? [...env, entry] : env.with(at, entry) };
}

/** `80`, `80/udp`, `8000-8002/tcp`: one key for each port. */
function ports(word: string): readonly string[] {
  const [, from = '', to = from, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === '' || last > 65535 || first > last) throw fail('invalid', `Invalid containerPort: ${word}`);
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol.toLowerCase()}`);
}

function volumes(config: ImageRunConfig, text: string): readonly string[] {
  const paths = jsonTexts(text) ?? words('VOLUME', config, text);
  if (paths.length === 0) throw fail('invalid', 'VOLUME requires at least one argument');
  if (paths.some((path) => path.trim() === '')) throw fail('invalid', 'VOLUME specified can not be an empty string');
  return paths;
}

function signal(word: string): string {
  if (signalNumber(word) === undefined) throw fail('invalid', `invalid signal: ${word}`);
  return word;
}

function trigger(text: string): string {
  const name = text.split(/\s/, 1)[0]!.toUpperCase();
  if (name === 'ONBUILD') throw fail('invalid', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (name === 'MAINTAINER' || name === 'FROM') throw fail('invalid', `${name} isn't allowed as an ONBUILD trigger`);
  return text;
}

const healthFlags = { '--interval': 'Interval', '--timeout': 'Timeout', '--start-period': 'StartPeriod', '--start-interval': 'StartInterval' } as const;

function healthcheck(text: string): NonNullable<ImageRunConfig['Healthcheck']> {
  const check: Record<string, unknown> = {};
  let rest = text;
  for (let flag = /^(--[a-z-]+)=(\S+)\s*/.exec(rest); flag !== null; flag = /^(--[a-z-]+)=(\S+)\s*/.exec(rest)) {
    const [whole, name = '', value = ''] = flag;
    if (Object.hasOwn(healthFlags, name)) check[healthFlags[name as keyof typeof healthFlags]] = nanoseconds(value, name);
    else if (name === '--retries') check['Retries'] = retries(value);
    else throw fail('invalid', `Unknown flag: ${name.slice(2)}`);
    rest = rest.slice(whole.length);
  }
  const [, type = '', argument = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? [];
  if (type.toUpperCase() === 'NONE' && argument === '' && rest === text) return { Test: ['NONE'] };
  if (type.toUpperCase() !== 'CMD') throw fail('invalid', `Unknown type ${JSON.stringify(type.toUpperCase())} in HEALTHCHECK (try CMD)`);
  const exec = jsonTexts(argument);
  if (argument === '' || exec?.length === 0) throw fail('invalid', 'Missing command after HEALTHCHECK CMD');
  return { Test: exec === undefined ? ['CMD-SHELL', argument] : ['CMD', ...exec], ...check };
}

function retries(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1) throw fail('invalid', `--retries must be at least 1 (not ${text})`);
  return Number(text);
}

/** `1m30s` in nanoseconds, at least a millisecond. */
function nanoseconds(text: string, name: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw fail('invalid', `${name}: invalid duration ${JSON.stringify(text)}`, { hint: 'Write it like 30s or 1m30s' });
  if (ms < 1) throw fail('invalid', `Interval ${JSON.stringify(name.slice(2))} cannot be less than 1ms`);
  return Math.round(ms * 1e6);
}
