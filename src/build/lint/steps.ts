// Rules about what the instructions of a stage mean, one after the other.
import { posix } from 'node:path';
import { nearest, splitPort, type Command, type Files, type IgnoreFile } from '../../spec/dockerfile/index.ts';
import type { Analysis } from '../analyze.ts';
import type { EvaluatedStage } from '../evaluate.ts';
import type { Step } from '../step.ts';
import { finding, type Finding } from './finding.ts';

/** After so many, nobody is helped by another "did you mean", and each costs a look at all names. */
const suggestionsMax = 100;

export function stepFindings({ evaluated }: Analysis, ignored: IgnoreFile | undefined): readonly Finding[] {
  const suggestions = { left: suggestionsMax };
  const hasWorkdir = new Set<EvaluatedStage>();
  return evaluated.flatMap((stage) => {
    const seen: SeenInStage = { hasWorkdir: stage.base !== undefined && hasWorkdir.has(stage.base), single: new Map() };
    const findings = stage.steps.flatMap((step) => [...undefinedNames(stage, step, suggestions), ...meaning(step, seen, ignored)]);
    if (seen.hasWorkdir) hasWorkdir.add(stage);
    return findings;
  });
}

/** What the stage had before a step. */
interface SeenInStage {
  hasWorkdir: boolean;
  /** Of CMD, ENTRYPOINT and HEALTHCHECK only the last one counts. */
  readonly single: Map<Command['kind'], Command>;
}

/** Of an image that is not here, nobody knows what it defines. */
function undefinedNames({ isBaseKnown }: EvaluatedStage, { instruction, undefinedNames: names, environment }: Step, suggestions: { left: number }): readonly Finding[] {
  if (!isBaseKnown) return [];
  return names.map((name) => {
    const near = suggestions.left-- > 0 ? nearest(name, environment().keys()) : undefined;
    return finding('UndefinedVar', instruction, `Usage of undefined variable '$${name}'${near === undefined ? '' : ` (did you mean $${near}?)`}`);
  });
}

function meaning(step: Step, seen: SeenInStage, ignored: IgnoreFile | undefined): readonly Finding[] {
  const { instruction } = step;
  switch (instruction.kind) {
    case 'ARG': return instruction.args.flatMap(({ name }) => secret('ARG', name, instruction));
    case 'ENV': return instruction.pairs.flatMap(({ key, isLegacy }) => [...legacy(isLegacy, instruction), ...secret('ENV', key, instruction)]);
    case 'LABEL': return instruction.pairs.flatMap(({ isLegacy }) => legacy(isLegacy, instruction));
    case 'CMD':
    case 'ENTRYPOINT': return [...usedTwice(instruction, seen), ...shellForm(step)];
    case 'HEALTHCHECK': return usedTwice(instruction, seen);
    case 'WORKDIR': return relativeWorkdir(instruction.path, instruction, seen);
    case 'EXPOSE': return instruction.ports.flatMap((port) => portFindings(port, instruction));
    case 'ADD': return copied('Add', instruction, instruction, ignored);
    case 'COPY': return instruction.from === undefined ? copied('Copy', instruction, instruction, ignored) : [];
    default: return [];
  }
}

const secretWord = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const harmlessWord = /(?:_|^)(?:public|file|version)(?:_|$)/i;

function secret(kind: 'ARG' | 'ENV', name: string, place: Command): readonly Finding[] {
  if (!secretWord.test(name) || harmlessWord.test(name)) return [];
  return [finding('SecretsUsedInArgOrEnv', place, `Do not use ARG or ENV instructions for sensitive data (${kind} ${JSON.stringify(name)})`)];
}

function legacy(isLegacy: boolean, place: Command): readonly Finding[] {
  const { keyword } = place;
  return isLegacy ? [finding('LegacyKeyValueFormat', place, `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`)] : [];
}

/** The one that will not count is reported. */
function usedTwice(command: Command, { single }: SeenInStage): readonly Finding[] {
  const before = single.get(command.kind);
  single.set(command.kind, command);
  return before === undefined ? [] : [finding('MultipleInstructionsDisallowed', before, `Multiple ${command.keyword} instructions should not be used in the same stage because only the last one will be used`)];
}

/** A shell in between keeps signals from the program; who chose the shell with SHELL knows that. */
function shellForm({ instruction, shell }: Step): readonly Finding[] {
  if ((instruction.kind !== 'CMD' && instruction.kind !== 'ENTRYPOINT') || instruction.command.form === 'exec' || (shell?.length ?? 0) > 0) return [];
  return [finding('JSONArgsRecommended', instruction, `JSON arguments recommended for ${instruction.keyword} to prevent unintended behavior related to OS signals`)];
}

function relativeWorkdir(path: string, place: Command, seen: SeenInStage): readonly Finding[] {
  const isFirst = !seen.hasWorkdir;
  seen.hasWorkdir = true;
  return isFirst && !posix.isAbsolute(path) ? [finding('WorkdirRelativePath', place, `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`)] : [];
}

function portFindings(text: string, place: Command): readonly Finding[] {
  const { address, hostPort, protocol } = splitPort(text);
  return [
    ...address === '' && hostPort === '' ? [] : [finding('ExposeInvalidFormat', place, `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`)],
    ...protocol === protocol.toLowerCase() ? [] : [finding('ExposeProtoCasing', place, `Defined protocol '${text}' in EXPOSE instruction should be lowercase`)],
  ];
}

/** Where exceptions bring paths back, only a look at the context would tell. */
function copied(verb: 'Copy' | 'Add', { sources }: Files, place: Command, ignored: IgnoreFile | undefined): readonly Finding[] {
  if (ignored === undefined || ignored.hasExceptions) return [];
  return sources.map((source) => posix.normalize(source).replace(/(?<=.)\/$/, '')).filter((source) => {
    const isRoot = source === '.' || source === '/';
    return isRoot ? ignored.rules.some(({ pattern }) => ['*', '**', '**/*'].includes(pattern)) : ignored.ignores(source);
  }).map((source) => finding('CopyIgnoredFile', place, `Attempting to ${verb} file ${JSON.stringify(source)} that is excluded by .dockerignore`));
}
