// What stages read from each other: COPY --from, mounts of RUN, and the same in the ONBUILD instructions of what they start from. Here cycles are
// found, and what a target needs.
import { DockerfileError, expand, locate, mountSource, parseTrigger, type Command, type LineRange } from '../spec/dockerfile/index.ts';
import type { BuildRequest } from './request.ts';
import { imageKey, type Base, type PlacedStage, type Stages } from './stages.ts';

export interface LinkedCommand {
  readonly command: Command;
  /** Whether an ONBUILD of the base brought it. */
  readonly isTrigger: boolean;
  /** In the order of the instruction. */
  readonly sources: readonly Base[];
}

export interface LinkedStage {
  readonly stage: PlacedStage;
  readonly commands: readonly LinkedCommand[];
}

/** @throws a DockerfileError for sources that cannot be, and for stages that need each other */
export function linkStages(stages: Stages, request: BuildRequest): readonly LinkedStage[] {
  const linked = stages.all.map((stage) => ({
    stage,
    commands: [...triggersOf(stage, request), ...stage.commands.map((command) => ({ command, isTrigger: false }))].map((one) => ({ ...one, sources: sourcesOf(one.command, stages) })),
  }));
  refuseCycles(linked);
  return linked;
}

/** The stages that `target` needs, itself among them. */
export function neededBy(target: PlacedStage, linked: readonly LinkedStage[]): ReadonlySet<PlacedStage> {
  const needed = new Set([target]);
  for (const stage of needed) {
    for (const base of [stage.base, ...linked[stage.index]!.commands.flatMap(({ sources }) => sources)]) if (base.kind === 'stage') needed.add(base.stage);
  }
  return needed;
}

function triggersOf({ base, from }: PlacedStage, { images }: BuildRequest): readonly Pick<LinkedCommand, 'command' | 'isTrigger'>[] {
  if (base.kind === 'scratch') return [];
  const texts = base.kind === 'image' ? images.get(imageKey(base))?.config?.OnBuild ?? [] : base.stage.commands.flatMap((command) => command.kind === 'ONBUILD' ? [command.trigger] : []);
  return texts.map((text) => ({ command: located(from.lines, () => parseTrigger(text, from.lines)), isTrigger: true }));
}

function sourcesOf(command: Command, stages: Stages): readonly Base[] {
  return located(command.lines, () => {
    if (command.kind === 'COPY' && command.from !== undefined) return [sourceOf(constantSource(command.from), command.lines, stages)];
    if (command.kind !== 'RUN') return [];
    return command.mounts.flatMap((mount) => mountSource(mount) ?? []).map((name) => sourceOf(name, command.lines, stages));
  });
}

function sourceOf(name: string, lines: LineRange, stages: Stages): Base {
  const stage = stages.find(name, lines);
  return stage === undefined ? stages.image(name) : { kind: 'stage', stage };
}

function constantSource(from: string): string {
  if (expand(from, () => undefined).text === from) return from;
  throw new DockerfileError('variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround', []);
}

/** A way through the stages: what it is at, and the commands that led there. */
interface Visit {
  readonly stage: PlacedStage;
  readonly edges: Iterator<readonly [to: PlacedStage, by: Command]>;
  readonly by: Command | undefined;
}

function refuseCycles(linked: readonly LinkedStage[]): void {
  const done = new Set<PlacedStage>();
  for (const { stage } of linked) {
    const way: Visit[] = done.has(stage) ? [] : [{ stage, edges: edgesOf(linked[stage.index]!), by: undefined }];
    const onWay = new Set([stage]);
    while (way.length > 0) {
      const { value: edge } = way.at(-1)!.edges.next() as { readonly value?: readonly [PlacedStage, Command] };
      if (edge === undefined) {
        const { stage: left } = way.pop()!;
        onWay.delete(left);
        done.add(left);
      } else if (onWay.has(edge[0])) throw circular(stage, [...way.flatMap(({ by }) => by ?? []), edge[1]]);
      else if (!done.has(edge[0])) {
        way.push({ stage: edge[0], edges: edgesOf(linked[edge[0].index]!), by: edge[1] });
        onWay.add(edge[0]);
      }
    }
  }
}

function* edgesOf({ commands }: LinkedStage): Generator<readonly [PlacedStage, Command]> {
  for (const { command, sources } of commands) for (const source of sources) if (source.kind === 'stage') yield [source.stage, command];
}

function circular({ label }: PlacedStage, commands: readonly Command[]): DockerfileError {
  return new DockerfileError(`circular dependency detected on stage: ${label}`, commands.map(({ lines }) => lines), 'A stage can only read from stages above it');
}

function located<T>(lines: LineRange, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw locate(error, lines);
  }
}
