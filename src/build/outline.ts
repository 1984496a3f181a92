// What a target takes from outside: arguments, secrets, ssh agents. Of it and of everything it is made from, its own first.
import { DockerfileError, type LineRange } from '../spec/dockerfile/index.ts';
import type { OutlineNeed, OutlineResult } from '../spec/estiva/build-check.ts';
import { locationOf } from '../spec/estiva/build-check.ts';
import type { Analysis } from './analyze.ts';
import type { EvaluatedStage } from './evaluate.ts';
import type { Base } from './stages.ts';

/** @throws the mistake that the build would end with */
export function outlineOf({ target, evaluated, globals, failure }: Analysis): Omit<OutlineResult, 'sources'> {
  if (failure !== undefined) throw failure;
  if (target === undefined) throw new DockerfileError('dockerfile contains no stages to build', []);
  const stages = nearestFirst(target, evaluated);
  const args = byName(stages.flatMap((stage) => [...declaredBefore(stage, globals.declared), ...declaredIn(stage)]));
  const needs = (type: 'secret' | 'ssh'): readonly (OutlineNeed & Placed)[] => byName(stages.flatMap((stage) => needsOf(stage, type)));
  const { name, description } = target.stage.from;
  return {
    ...name === undefined ? {} : { name },
    ...description === undefined ? {} : { description },
    ...section('args', args.map(({ name, description, value, lines }) => ({ name, ...description === undefined ? {} : { description }, ...value === undefined || value === '' ? {} : { value }, location: locationOf([lines]) }))),
    ...section('secrets', needs('secret').map(needOf)),
    ...section('ssh', needs('ssh').map(needOf)),
  };
}

interface Placed {
  readonly name: string;
  readonly lines: LineRange;
}

interface OutlineArgument extends Placed {
  readonly description: string | undefined;
  readonly value: string | undefined;
}

/** The stage, those below it, and those that they read from. */
function nearestFirst(target: EvaluatedStage, evaluated: readonly EvaluatedStage[]): readonly EvaluatedStage[] {
  const byStage = new Map(evaluated.map((one) => [one.stage, one]));
  const found = new Set([target]);
  for (const { stage, steps } of found) {
    for (const base of [stage.base, ...steps.flatMap(({ sources }): readonly Base[] => sources)]) if (base.kind === 'stage') found.add(byStage.get(base.stage)!);
  }
  return [...found];
}

/** Arguments before FROM that this FROM, or an ARG of the stage, makes use of. */
function declaredBefore({ stage, steps }: EvaluatedStage, declared: Analysis['globals']['declared']): readonly OutlineArgument[] {
  const used = new Set([...stage.use.matched, ...stage.use.platform?.matched ?? [], ...steps.flatMap(({ instruction }) => instruction.kind === 'ARG' ? instruction.args.map(({ name }) => name) : [])]);
  for (const name of used) for (const part of declared.get(name)?.uses ?? []) used.add(part);
  return [...used].flatMap((name) => {
    const found = declared.get(name);
    return found === undefined ? [] : [{ name, description: found.argument.description, value: found.value, lines: found.lines }];
  });
}

/** Those that only say again what is declared before FROM are not the stage's own. */
function declaredIn({ steps }: EvaluatedStage): readonly OutlineArgument[] {
  return steps.flatMap(({ instruction }) => instruction.kind === 'ARG' ? instruction.args.map(({ name, description, value }) => ({ name, description, value, lines: instruction.lines })) : []);
}

function needsOf({ steps }: EvaluatedStage, type: 'secret' | 'ssh'): readonly (OutlineNeed & Placed)[] {
  return steps.flatMap(({ mounts, instruction: { lines } }) => mounts.filter((mount) => mount.type === type).map((mount) => {
    const name = mount.id ?? (type === 'ssh' ? 'default' : mount.source ?? nameIn(mount.target ?? ''));
    return { name, lines, ...mount.required ? { required: true } : {}, location: locationOf([lines]) };
  }));
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function needOf({ name, required, location }: OutlineNeed): OutlineNeed {
  return { name, ...required === true ? { required } : {}, location };
}

/** The first of each name, in the order of the lines. */
function byName<T extends Placed>(all: readonly T[]): readonly T[] {
  const found = new Map<string, T>();
  for (const one of all) if (!found.has(one.name)) found.set(one.name, one);
  return [...found.values()].sort((a, b) => a.lines.start - b.lines.start);
}

function section<K extends string, T>(key: K, items: readonly T[]): Partial<Record<K, readonly T[]>> {
  return items.length === 0 ? {} : { [key]: items } as Partial<Record<K, readonly T[]>>;
}
