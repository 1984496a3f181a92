// A Dockerfile and what is asked for → what it means: stages, what they read from each other, every step with its variables replaced. Pure. When
// something is wrong, everything before it is still there, so that lint can speak of it.
import { DockerfileError, type Dockerfile } from '../spec/dockerfile/index.ts';
import { Evaluation, type EvaluatedStage } from './evaluate.ts';
import { globalArguments, type Globals } from './globals.ts';
import { linkStages, neededBy } from './links.ts';
import { platformArguments } from './platform.ts';
import type { BuildRequest } from './request.ts';
import { imageKey, type PlacedStage, Stages } from './stages.ts';

export interface Analysis {
  readonly globals: Globals;
  /** As far as they could be made out. */
  readonly stages: readonly PlacedStage[];
  /** In the order of the file, each after those that it reads from. */
  readonly evaluated: readonly EvaluatedStage[];
  readonly target: EvaluatedStage | undefined;
  readonly failure: DockerfileError | undefined;
}

export interface AnalyzeOptions {
  /** Also stages that the target does not need. */
  readonly allStages: boolean;
}

/** Gives what it could make out, and the first mistake. */
export function analyze(dockerfile: Dockerfile, request: BuildRequest, { allStages }: AnalyzeOptions): Analysis {
  const found: { -readonly [K in keyof Analysis]: Analysis[K] } = { globals: { values: new Map(), declared: new Map() }, stages: [], evaluated: [], target: undefined, failure: undefined };
  try {
    const targetName = request.target ?? dockerfile.stages.at(-1)?.from.name ?? '';
    found.globals = globalArguments(dockerfile, platformArguments(request, targetName), request.buildArgs);
    const stages = new Stages(found.globals, request, dockerfile);
    found.stages = stages.all;
    for (const stage of dockerfile.stages) stages.add(stage);
    const target = stages.target(request.target);
    const linked = linkStages(stages, request);
    const needed = allStages ? new Set(stages.all) : neededBy(target, linked);
    const evaluation = new Evaluation({ globals: found.globals, request, escape: dockerfile.directives.escape });
    found.evaluated = evaluation.stages;
    for (const one of linked) if (needed.has(one.stage)) evaluation.add(one);
    found.target = evaluation.of(target);
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    found.failure = error;
  }
  return found;
}

/** The images of FROM that nothing is known of: their variables, their ONBUILD, their platform. */
export function unknownImages({ stages }: Pick<Analysis, 'stages'>, { images }: BuildRequest): readonly { readonly reference: string; readonly platform: PlacedStage['platform'] }[] {
  return stages.flatMap(({ base }) => base.kind === 'image' && !images.has(imageKey(base)) ? [base] : []);
}
