// The line that an instruction leaves in an image's history, letter by letter as dockerd's builder writes it: tools compare and read them.
// Source: what dockerd 28.5 wrote. Its lists and durations are those of Go's fmt: `[a b]`, `["a" "b"]`, `"1m30s"`, `'\x03'`.
import { defaultShell, type Command, type CommandLine, type Files, type HealthCheck, type Pair } from '../spec/dockerfile/index.ts';
import type { HistoryEntry } from '../spec/oci/image.ts';
import { programOf } from './program.ts';
import type { Step } from './step.ts';

const comment = 'buildkit.dockerfile.v0';

/** Undefined for ONBUILD: it is for later builds. `workdir` is where a WORKDIR led. */
export function historyOf(step: Step, workdir: string): HistoryEntry | undefined {
  const line = lineOf(step, workdir);
  if (line === undefined) return undefined;
  const makesLayer = makesLayerOf(step.instruction, workdir);
  return { created_by: line, comment, ...makesLayer ? {} : { empty_layer: true } };
}

/** Whether an instruction changes files. */
export function makesLayerOf({ kind }: Command, workdir: string): boolean {
  return kind === 'RUN' || kind === 'COPY' || kind === 'ADD' || (kind === 'WORKDIR' && workdir !== '/');
}

function lineOf(step: Step, workdir: string): string | undefined {
  const { instruction, shell, ports } = step;
  switch (instruction.kind) {
    case 'ADD': return `ADD${filesOf(instruction)} # buildkit`;
    case 'ARG': return `ARG ${instruction.args.map(({ name, value }) => value === undefined ? name : `${name}=${value}`).join(' ')}`;
    case 'CMD':
    case 'ENTRYPOINT': return `${instruction.kind} ${quotedList(wordsOf(instruction.command, shell))}`;
    case 'COPY': return `COPY${instruction.parents ? ' --parents' : ''}${filesOf(instruction)} # buildkit`;
    case 'ENV':
    case 'LABEL': return `${instruction.kind} ${pairsOf(instruction.pairs)}`;
    case 'EXPOSE': return `EXPOSE [${ports.join(' ')}]`;
    case 'HEALTHCHECK': return `HEALTHCHECK ${healthOf(instruction.check)}`;
    case 'MAINTAINER': return `MAINTAINER ${instruction.name}`;
    case 'RUN': return `RUN ${[...buildArguments(step), ...programOf(instruction, shell).args].join(' ')} # buildkit`;
    case 'SHELL': return `SHELL [${instruction.words.join(' ')}]`;
    case 'STOPSIGNAL': return `STOPSIGNAL ${instruction.signal}`;
    case 'USER': return `USER ${instruction.user}`;
    case 'VOLUME': return `VOLUME [${instruction.paths.join(' ')}]`;
    case 'WORKDIR': return `WORKDIR ${workdir}`;
    default: return undefined;
  }
}

/** `|2 A=1 B=`: the arguments that a RUN can see, each once. */
function buildArguments(step: Step): readonly string[] {
  const environment = step.environment();
  const values = new Map(step.arguments().map(({ name, value }) => [name, environment.get(name) ?? value ?? '']));
  return values.size === 0 ? [] : [`|${values.size}`, ...[...values].map(([name, value]) => `${name}=${value}`)];
}

function filesOf({ chown, chmod, sources, inline, destination }: Files): string {
  return [...chown === undefined ? [] : [`--chown=${chown}`], ...chmod === undefined ? [] : [`--chmod=${chmod}`], ...sources, ...inline.map(({ name }) => `<<${name}`), destination].map((word) => ` ${word}`).join('');
}

function pairsOf(pairs: readonly Pair[]): string {
  return pairs.map(({ key, value }) => `${key}=${value}`).join(' ');
}

/** What the image's command is: a line is for the shell. */
export function wordsOf(command: CommandLine, shell: readonly string[] | undefined): readonly string[] {
  return command.form === 'exec' ? command.words : [...shell ?? defaultShell, command.line];
}

function quotedList(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
}

function healthOf({ test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries }: HealthCheck): string {
  return `&{${quotedList(test)} ${[intervalNs, timeoutNs, startPeriodNs, startIntervalNs].map((ns) => JSON.stringify(duration(ns))).join(' ')} ${quotedNumber(retries)}}`;
}

/** Go's Duration.String: `1h0m0s`, `1m30s`, `1.5s`, `20ms`. */
function duration(ns: number): string {
  if (ns === 0) return '0s';
  if (ns < 1e9) return `${ns / 1e6}ms`;
  const [hours, minutes, seconds] = [Math.floor(ns / 3600e9), Math.floor(ns / 60e9) % 60, ns / 1e9 % 60];
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${Number(seconds.toFixed(9))}s`;
}

const namedCharacters: Readonly<Record<number, string>> = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 39: "\\'", 92: '\\\\' };

/** Go's %q takes a number for a character. */
function quotedNumber(number: number): string {
  const plain = number >= 32 && number < 127 ? String.fromCodePoint(number) : undefined;
  const escaped = number < 128 ? `\\x${number.toString(16).padStart(2, '0')}` : number < 65_536 ? `\\u${number.toString(16).padStart(4, '0')}` : `\\U${number.toString(16).padStart(8, '0')}`;
  return `'${namedCharacters[number] ?? plain ?? escaped}'`;
}
