// Rules about how a Dockerfile is written. They look at the instructions alone, and speak also of a file that is wrong further down.
import type { Command, Dockerfile, From, Instruction } from '../../spec/dockerfile/index.ts';
import { finding, type Finding } from './finding.ts';

export function emptyContinuations({ emptyContinuations }: Dockerfile): readonly Finding[] {
  return emptyContinuations.map((lines) => finding('NoEmptyContinuation', { lines }, 'Empty continuation line'));
}

export function instructionFindings(dockerfile: Dockerfile): readonly Finding[] {
  return instructionsOf(dockerfile).flatMap((instruction) => {
    if (instruction.kind === 'FROM') return [...fromCasing(instruction), ...description(instruction, instruction.name === undefined ? [] : [instruction.name])];
    if (instruction.kind === 'ARG') return description(instruction, instruction.args.map(({ name }) => name));
    if (instruction.kind === 'MAINTAINER') return [finding('MaintainerDeprecated', instruction, 'Maintainer instruction is deprecated in favor of using label')];
    return [];
  });
}

function fromCasing(from: From): readonly Finding[] {
  const { keyword, as, writtenName } = from;
  const findings: Finding[] = [];
  if (writtenName !== undefined && writtenName !== writtenName.toLowerCase()) findings.push(finding('StageNameCasing', from, `Stage name '${writtenName}' should be lowercase`));
  const casing = casingOf(keyword);
  if (as !== undefined && casing !== 'mixed' && as !== (casing === 'lower' ? as.toLowerCase() : as.toUpperCase())) findings.push(finding('FromAsCasing', from, `'${as}' and '${keyword}' keywords' casing do not match`));
  return findings;
}

/** The comment right above an ARG or a named stage describes it, if it says so. */
function description(instruction: Instruction, names: readonly string[]): readonly Finding[] {
  const comment = instruction.comments.at(-1);
  if (comment === undefined || names.length === 0 || names.includes(comment.split(' ', 1)[0]!)) return [];
  const example = names.length > 1 ? '<arg_key>' : names[0]!;
  return [finding('InvalidDefinitionDescription', instruction, `Comment for ${instruction.kind} should follow the format: \`# ${example} <description>\``)];
}

const reserved: ReadonlySet<string> = new Set(['context', 'scratch']);

export function stageNames({ stages }: Dockerfile): readonly Finding[] {
  const seen = new Set<string>();
  return stages.flatMap(({ from }) => {
    if (from.name === undefined) return [];
    const findings: Finding[] = [];
    if (reserved.has(from.name)) findings.push(finding('ReservedStageName', from, `Stage name should not use the same name as reserved stage ${JSON.stringify(from.name)}`));
    if (seen.has(from.name)) findings.push(finding('DuplicateStageName', from, `Duplicate stage name ${JSON.stringify(from.name)}, stage names should be unique`));
    seen.add(from.name);
    return findings;
  });
}

/** The majority decides; when it is even, upper case. ARG before FROM is not counted. */
export function instructionCasing({ stages }: Dockerfile): readonly Finding[] {
  const all = stages.flatMap(({ from, commands }): readonly (From | Command)[] => [from, ...commands]);
  const count = (casing: 'lower' | 'upper'): number => all.filter(({ keyword }) => casingOf(keyword) === casing).length;
  const wanted = count('lower') > count('upper') ? 'lower' : 'upper';
  const isRight = (keyword: string): boolean => keyword === (wanted === 'lower' ? keyword.toLowerCase() : keyword.toUpperCase());
  return all.flatMap((one) => isRight(one.keyword) ? [] : [finding('ConsistentInstructionCasing', one, `Command '${one.keyword}' should match the case of the command majority (${wanted}case)`)]);
}

function casingOf(word: string): 'lower' | 'upper' | 'mixed' {
  if (word === word.toLowerCase()) return 'lower';
  return word === word.toUpperCase() ? 'upper' : 'mixed';
}

function instructionsOf({ globals, stages }: Dockerfile): readonly Instruction[] {
  return [...globals, ...stages.flatMap(({ from, commands }) => [from, ...commands])];
}
