// The solver: from the stages that a target needs to the state of its last step. Every step has a key, made of the key of the step before and of all
// that the step itself depends on; a key that the cache knows is not done again. Stages that do not need each other are done side by side.
import type { Digest } from '../../base/index.ts';
import type { Storage } from '../../storage/index.ts';
import type { EvaluatedStage } from '../evaluate.ts';
import { imageKey, type Base, type PlacedStage } from '../stages.ts';
import type { Step } from '../step.ts';
import type { BuildCache } from './cache.ts';
import type { CacheMounts } from './cache-mounts.ts';
import { copyWork } from './copy-step.ts';
import { failedAt } from './failure.ts';
import { InOrder, type Tell } from './happening.ts';
import { metadataWork } from './metadata.ts';
import type { BaseImage, BuildPorts } from './ports.ts';
import type { Fetcher } from './remote/fetcher.ts';
import { runWork } from './run.ts';
import type { SourceTree } from './sources.ts';
import { asBase, emptyState, idOf, keyOf, nextState, stateOfImage, type BuildState } from './state.ts';
import type { SolveOptions, StepRoom, Work } from './work.ts';
import { workdirWork } from './workdir.ts';

export interface Surroundings {
  readonly storage: Storage;
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  readonly ports: BuildPorts;
  readonly fetcher: Fetcher;
  /** Undefined: there is none, COPY finds nothing. */
  readonly context: SourceTree;
  /** By imageKey. */
  readonly images: ReadonlyMap<string, BaseImage>;
  readonly findImage: (base: Extract<Base, { kind: 'image' }>, signal: AbortSignal) => Promise<BaseImage>;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** RUN steps at once. */
const runsMax = 4;

export class Solver {
  readonly #stages: readonly EvaluatedStage[];
  readonly #options: SolveOptions;
  readonly #around: Surroundings;
  readonly #inOrder: InOrder;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #results = new Map<PlacedStage, Promise<BuildState>>();
  readonly #total: number;
  readonly #firstNumber: number;
  readonly #used: string[] = [];
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** `stages`: each after those that it needs. `globalCount`: instructions before the first FROM, which are told of as steps. */
  constructor(stages: readonly EvaluatedStage[], options: SolveOptions, around: Surroundings, globalCount: number) {
    this.#stages = stages;
    this.#options = options;
    this.#around = around;
    this.#inOrder = new InOrder(stages.length, around.tell);
    this.#signal = AbortSignal.any([around.signal, this.#abort.signal]);
    this.#firstNumber = globalCount + 1;
    this.#total = globalCount + stages.reduce((sum, { steps }) => sum + 1 + steps.length, 0);
  }

  /** How many steps it tells of. */
  get total(): number {
    return this.#total;
  }

  /** @throws BuildFailure with the lines of the step; what the build did so far stays in the cache */
  async solve(target: EvaluatedStage): Promise<BuildState> {
    let number = this.#firstNumber;
    for (const [index, stage] of this.#stages.entries()) {
      this.#results.set(stage.stage, this.#stage(stage, index, number));
      number += 1 + stage.steps.length;
    }
    // All of them end before anything is taken away that they use.
    const ended = await Promise.allSettled(this.#results.values());
    this.#around.cache.used(this.#used);
    this.#around.signal.throwIfAborted();
    const failures = ended.filter((one) => one.status === 'rejected').map(({ reason }) => reason as unknown);
    const cause = failures.find((reason) => reason !== this.#abort.signal.reason) ?? failures[0];
    if (failures.length > 0) throw cause;
    return await this.#results.get(target.stage)!;
  }

  async #stage({ stage, steps }: EvaluatedStage, index: number, firstNumber: number): Promise<BuildState> {
    const tell = this.#inOrder.tellerOf(index);
    try {
      let state = await this.#begin(stage, firstNumber, tell);
      for (const [i, step] of steps.entries()) {
        this.#signal.throwIfAborted();
        tell({ what: 'step', number: firstNumber + 1 + i, total: this.#total, text: step.instruction.text });
        state = await this.#step(step, state, tell);
        tell({ what: 'result', id: idOf(state) });
      }
      this.#inOrder.end(index);
      return state;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#inOrder.endWith(index);
      this.#abort.abort(new Error('Another stage of the build failed'));
      throw error;
    }
  }

  async #begin({ base, from, platform }: PlacedStage, number: number, tell: Tell): Promise<BuildState> {
    const state = base.kind === 'stage' ? asBase(await this.#results.get(base.stage)!) : base.kind === 'scratch' ? emptyState(platform) : stateOfImage(this.#around.images.get(imageKey(base))!);
    tell({ what: 'step', number, total: this.#total, text: from.text });
    tell({ what: 'result', id: base.kind === 'scratch' ? undefined : base.kind === 'image' ? this.#around.images.get(imageKey(base))!.id : idOf(state) });
    return state;
  }

  async #step(step: Step, state: BuildState, tell: Tell): Promise<BuildState> {
    const { storage, ports, fetcher } = this.#around;
    using opened = new DisposableStack();
    const room: StepRoom = { storage, ports, options: this.#options, tell, signal: this.#signal, opened, fetcher, treeOf: (source) => this.#treeOf(source, opened), inTurn: (work) => this.#inTurn(work), leaseCache: (wish) => this.#around.cacheMounts.lease(wish, this.#signal) };
    try {
      const work = await workOf(step, state, room);
      // What does not depend on the step before is looked for without it; what comes after depends on both.
      const ownKey = work.isIndependent === true ? keyOf('independent', ...work.keyParts) : keyOf(state.key, ...work.keyParts);
      const { layer, created } = await this.#cached(ownKey, work.isIndependent === true ? '' : state.key, work, tell);
      const key = work.isIndependent === true ? keyOf(state.key, ownKey) : ownKey;
      const { config, author, createdBy, hasOwnCommand = state.hasOwnCommand } = work;
      return nextState(state, key, { config, ...author === undefined ? {} : { author }, layer, createdBy, created }, hasOwnCommand);
    } catch (error) {
      throw failedAt(error, step.instruction.lines);
    }
  }

  /** What the cache has under the key, or what the work makes. */
  async #cached(key: string, parent: string, { createdBy: what, make }: Work, tell: Tell): Promise<{ readonly layer: Digest | undefined; readonly created: string }> {
    const { cache } = this.#around;
    const epoch = this.#options.epochSeconds;
    const found = this.#options.noCache ? undefined : cache.find(key);
    if (found !== undefined) {
      this.#used.push(key);
      tell({ what: 'cached' });
      return { layer: found.layer, created: found.createdAt };
    }
    const made = await make();
    const layer = made === undefined || made.entries === 0 ? undefined : made;
    const created = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();
    cache.put({ key, parent, createdAt: created, layer: layer?.diffId, sizeBytes: layer?.sizeBytes ?? 0, what });
    return { layer: layer?.diffId, created };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= runsMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      this.#signal.throwIfAborted();
      return await work();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #treeOf(source: Base | undefined, opened: DisposableStack): Promise<SourceTree> {
    if (source === undefined) return this.#around.context;
    const { snapshots } = this.#around.storage;
    const layers = source.kind === 'scratch' ? [] : source.kind === 'stage' ? (await this.#results.get(source.stage)!).layers : (await this.#around.findImage(source, this.#signal)).layers;
    return { root: opened.use(snapshots.openFiles(layers)), hides: () => false, isContext: false, layers };
  }
}

async function workOf(step: Step, state: BuildState, room: StepRoom): Promise<Work> {
  const { instruction } = step;
  switch (instruction.kind) {
    case 'RUN': return await runWork(step, instruction, state, room);
    case 'COPY': case 'ADD': return await copyWork(step, instruction, state, room);
    case 'WORKDIR': return workdirWork(step, instruction.path, state, room);
    default: return metadataWork(step, state, room);
  }
}
