// Stages evaluated: every instruction with its variables replaced, and what is known at each. Nothing is run and nothing is read: what RUN and COPY
// do is for the solver.
import { expand, exposedPorts, locate, replaceVariables, wrong, type Arg, type Command, type Escape, type Replaced } from '../spec/dockerfile/index.ts';
import type { Globals } from './globals.ts';
import type { LinkedCommand, LinkedStage } from './links.ts';
import type { BuildRequest } from './request.ts';
import { Scope } from './scope.ts';
import { imageKey, type PlacedStage } from './stages.ts';
import type { StageArgument, Step } from './step.ts';

export interface EvaluatedStage {
  readonly stage: PlacedStage;
  /** The stage that it starts from. */
  readonly base: EvaluatedStage | undefined;
  readonly steps: readonly Step[];
  /** Whether all is known that it starts from: variables of an image that is not here are not. */
  readonly isBaseKnown: boolean;
}

/** Linux has no PATH of its own: Docker's. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What all variables of a build may come to. */
const expandedTotalMax = 64 << 20;

interface Settings {
  readonly globals: Globals;
  readonly request: BuildRequest;
  readonly escape: Escape;
}

/** Evaluates stages in their order. What it has done so far stays, when one of them is wrong. */
export class Evaluation {
  readonly stages: EvaluatedStage[] = [];
  readonly #byStage = new Map<PlacedStage, StageEvaluation>();
  readonly #settings: Settings;
  #expanded = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @throws a DockerfileError with the lines of the instruction that is wrong */
  add({ stage, commands }: LinkedStage): void {
    const below = stage.base.kind === 'stage' ? this.#byStage.get(stage.base.stage) : undefined;
    const evaluation = new StageEvaluation(stage, below, this.#settings);
    this.stages.push(evaluation);
    for (const linked of commands) {
      try {
        this.#refuseLater(linked, stage);
        this.#expanded += evaluation.add(linked);
        if (this.#expanded > expandedTotalMax) throw wrong(`the variables of the build come to more than ${expandedTotalMax} characters`);
      } catch (error) {
        throw locate(error, linked.command.lines);
      }
    }
    this.#byStage.set(stage, evaluation);
  }

  of(stage: PlacedStage): EvaluatedStage {
    const evaluation = this.#byStage.get(stage);
    if (evaluation === undefined) throw new Error(`Stage ${stage.label} has not been evaluated`);
    return evaluation;
  }

  #refuseLater({ command, sources }: LinkedCommand, { label }: PlacedStage): void {
    const later = sources.find((source) => source.kind === 'stage' && !this.#byStage.has(source.stage));
    if (later?.kind !== 'stage') return;
    if (command.kind === 'COPY') throw wrong(`cannot copy from stage ${JSON.stringify(command.from)}, it needs to be defined before current stage ${JSON.stringify(label)}`, 'Move that stage up');
    throw wrong(`cannot mount from stage ${JSON.stringify(later.stage.label)}, stage needs to be defined before current command`, 'Move that stage up');
  }
}

class StageEvaluation implements EvaluatedStage {
  readonly stage: PlacedStage;
  readonly base: StageEvaluation | undefined;
  readonly steps: Step[] = [];
  readonly isBaseKnown: boolean;
  readonly #settings: Settings;
  readonly #scope: Scope;
  /** Names that ARG declared, here and below. */
  readonly #declared: Scope;
  readonly #arguments: StageArgument[] = [];
  #shell: readonly string[] | undefined;

  constructor(stage: PlacedStage, base: StageEvaluation | undefined, settings: Settings) {
    const config = stage.base.kind === 'image' ? settings.request.images.get(imageKey(stage.base)) : undefined;
    this.stage = stage;
    this.base = base;
    this.isBaseKnown = base?.isBaseKnown ?? (stage.base.kind === 'scratch' || config !== undefined);
    this.#settings = settings;
    this.#scope = new Scope(base === undefined ? [['PATH', defaultPath], ...(config?.config?.Env ?? []).map(splitPair)] : base.#scope);
    this.#declared = new Scope(base === undefined ? [] : base.#declared);
    this.#shell = base === undefined ? config?.config?.Shell : base.#shell;
  }

  /** The step is there also when it throws, with the names that it met. Gives how many characters its variables came to. */
  add({ command, isTrigger, sources }: LinkedCommand): number {
    const [moment, shell] = [this.#scope.now, this.#shell];
    const met = new Set<string>();
    let replaced: Replaced = { instruction: command, mounts: [], length: 0 };
    let ports: readonly string[] = [];
    try {
      replaced = command.kind === 'ARG' ? this.#declare(command, met) : replaceVariables(command, this.#lookup, this.#settings.escape, met);
    } finally {
      const argumentCount = this.#arguments.length;
      this.steps.push({
        instruction: replaced.instruction, isTrigger, sources, mounts: replaced.mounts, shell,
        get ports() { return ports; },
        environment: () => this.#scope.at(moment),
        arguments: () => [...this.base?.allArguments() ?? [], ...this.#arguments.slice(0, argumentCount)],
        undefinedNames: [...met].filter((name) => this.#declared.get(name) === undefined),
      });
    }
    ports = this.#apply(replaced.instruction);
    return replaced.length;
  }

  allArguments(): readonly StageArgument[] {
    return [...this.base?.allArguments() ?? [], ...this.#arguments];
  }

  readonly #lookup = (name: string): string | undefined => this.#scope.get(name);

  /** A build argument wins over the default; without either, it is what it was before FROM. Each sees those before it. */
  #declare(command: Arg, met: Set<string>): Replaced {
    const { globals, request: { buildArgs } } = this.#settings;
    let length = 0;
    const args = command.args.map((argument) => {
      const given = buildArgs.get(argument.name);
      const isGlobal = given === undefined && argument.value === undefined && globals.values.has(argument.name);
      const value = given ?? (argument.value === undefined ? globals.values.get(argument.name) : this.#default(argument.value, met));
      if (value !== undefined) this.#scope.set(argument.name, value);
      this.#declared.set(argument.name, '');
      this.#arguments.push({ ...argument, value, isGlobal });
      length += value?.length ?? 0;
      return { ...argument, value };
    });
    return { instruction: { ...command, args }, mounts: [], length };
  }

  #default(text: string, met: Set<string>): string {
    const { text: value, unmatched } = expand(text, this.#lookup, { escape: this.#settings.escape });
    for (const name of unmatched) met.add(name);
    return value;
  }

  /** What later steps of the stage see of this one. Gives the ports of EXPOSE. */
  #apply(instruction: Command): readonly string[] {
    switch (instruction.kind) {
      case 'ENV':
        for (const { key, value } of instruction.pairs) this.#scope.set(key, value);
        return [];
      case 'SHELL':
        this.#shell = instruction.words;
        return [];
      case 'STOPSIGNAL':
        if (!this.#settings.request.isSignal(instruction.signal)) throw wrong(`invalid signal: ${instruction.signal}`, 'Write its name or its number: SIGTERM, 15');
        return [];
      case 'EXPOSE': return instruction.ports.flatMap(exposedPorts);
      default: return [];
    }
  }
}

function splitPair(entry: string): readonly [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
