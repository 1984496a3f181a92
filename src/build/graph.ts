// The graph of a build: what must be there before what. Only what the target needs is in it; vertices are in an order in which they can be done, and
// what does not depend on each other can be done at once. It knows no cache and no faces: a solver walks it.
import { posix } from 'node:path';
import type { Add, Copy, Run, Workdir } from '../spec/dockerfile/index.ts';
import type { Platform } from '../spec/oci/image.ts';
import type { EvaluatedStage } from './evaluate.ts';
import { makesLayerOf } from './history.ts';
import type { BuildRequest } from './request.ts';
import { imageKey, type Base } from './stages.ts';
import type { Step } from './step.ts';

/** The index of a vertex. */
export type VertexId = number;

/** An empty tree needs no vertex. */
export type Input = VertexId | 'scratch';

/** A step that changes files: a layer. */
export type FileStep = Step & { readonly instruction: Run | Copy | Add | Workdir };

export type Vertex =
  | { readonly kind: 'image'; readonly reference: string; readonly platform: Platform }
  /** The files that the client gives. */
  | { readonly kind: 'context' }
  | {
    readonly kind: 'step';
    readonly step: FileStep;
    readonly stage: string;
    readonly platform: Platform;
    /** The tree that it changes. */
    readonly input: Input;
    /** What it reads: COPY --from one, RUN one for each mount that is bound from elsewhere, and COPY, ADD and mounts of the context the context. */
    readonly reads: readonly Input[];
    /** Where relative paths begin, and who runs programs; of a WORKDIR, where it leads. */
    readonly workdir: string;
    readonly user: string;
  };

export interface Graph {
  readonly vertices: readonly Vertex[];
  /** What the target's tree is. */
  readonly result: Input;
}

/** `evaluated` is what the target needs, each stage after those that it needs. */
export function graphOf(target: EvaluatedStage, evaluated: readonly EvaluatedStage[], { images }: Pick<BuildRequest, 'images'>): Graph {
  const builder = new GraphBuilder(images);
  for (const stage of evaluated) builder.add(stage);
  return { vertices: builder.vertices, result: builder.end(target) };
}

interface End {
  readonly tree: Input;
  readonly workdir: string;
  readonly user: string;
}

class GraphBuilder {
  readonly vertices: Vertex[] = [];
  readonly #images: BuildRequest['images'];
  readonly #imageVertices = new Map<string, VertexId>();
  readonly #ends = new Map<EvaluatedStage['stage'], End>();
  #context: VertexId | undefined;

  constructor(images: BuildRequest['images']) {
    this.#images = images;
  }

  add({ stage, steps }: EvaluatedStage): void {
    let { tree, workdir, user } = this.#start(stage.base);
    for (const step of steps) {
      const { instruction } = step;
      if (instruction.kind === 'WORKDIR') workdir = posix.resolve(workdir, instruction.path);
      if (instruction.kind === 'USER') user = instruction.user;
      if (isFileStep(step, workdir)) tree = this.#push({ kind: 'step', step, stage: stage.label, platform: stage.platform, input: tree, reads: this.#reads(step), workdir, user });
    }
    this.#ends.set(stage, { tree, workdir, user });
  }

  end({ stage }: EvaluatedStage): Input {
    return this.#ends.get(stage)!.tree;
  }

  #start(base: Base): End {
    if (base.kind === 'stage') return this.#ends.get(base.stage)!;
    const { WorkingDir = '', User = '' } = base.kind === 'image' ? this.#images.get(imageKey(base))?.config ?? {} : {};
    return { tree: this.#tree(base), workdir: posix.resolve('/', WorkingDir), user: User };
  }

  #tree(base: Base): Input {
    if (base.kind === 'scratch') return 'scratch';
    if (base.kind === 'stage') return this.#ends.get(base.stage)!.tree;
    const key = imageKey(base);
    const known = this.#imageVertices.get(key) ?? this.#push({ kind: 'image', reference: base.reference, platform: base.platform });
    this.#imageVertices.set(key, known);
    return known;
  }

  #reads({ instruction, sources, mounts }: FileStep): readonly Input[] {
    const named = sources.map((source) => this.#tree(source));
    if (instruction.kind === 'COPY' && instruction.from !== undefined) return named;
    const readsContext = instruction.kind === 'RUN' ? mounts.some(({ type, from }) => type === 'bind' && from === undefined) : 'sources' in instruction && instruction.sources.some((source) => !isRemote(source));
    return readsContext ? [...named, this.#context ??= this.#push({ kind: 'context' })] : named;
  }

  #push(vertex: Vertex): VertexId {
    return this.vertices.push(vertex) - 1;
  }
}

function isFileStep(step: Step, workdir: string): step is FileStep {
  return makesLayerOf(step.instruction, workdir);
}

/** ADD fetches these itself. */
function isRemote(source: string): boolean {
  return /^(https?|ssh|git):\/\/|^git@/.test(source);
}
