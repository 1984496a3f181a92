// The solver: from the stages that a target needs to the state of its last step. Every step has a key, made of the key of the step before and of all
// that the step itself depends on; a key that the cache knows is not done again. Stages that do not need each other are done side by side.
import type { Storage } from '../../storage/index.ts';
import type { EvaluatedStage } from '../evaluate.ts';
import type { BuildSession } from '../session.ts';
import { imageKey, type Base, type PlacedStage } from '../stages.ts';
import type { Step } from '../step.ts';
import type { BuildCache } from './cache.ts';
import { foundInImages } from './cache-from.ts';
import type { CacheMounts } from './cache-mounts.ts';
import { copyWork } from './copy-step.ts';
import { failedAt } from './failure.ts';
import type { Flights, Made } from './flights.ts';
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
  readonly flights: Flights;
  readonly ports: BuildPorts;
  readonly fetcher: Fetcher;
  /** Images that are a cache, too. */
  readonly cacheImages: readonly BaseImage[];
  /** Undefined: there is none, COPY finds nothing. */
  readonly context: SourceTree;
  /** By imageKey. */
  readonly images: ReadonlyMap<string, BaseImage>;
  readonly findImage: (base: Extract<Base, { kind: 'image' }>, signal: AbortSignal) => Promise<BaseImage>;
  /** Undefined: its client holds none. */
  readonly session: BuildSession | undefined;
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
    const noCache = this.#isDoneAnew(stage);
    try {
      let state = await this.#begin(stage, firstNumber, tell);
      for (const [i, step] of steps.entries()) {
        this.#signal.throwIfAborted();
        tell({ what: 'step', number: firstNumber + 1 + i, total: this.#total, text: step.instruction.text });
        state = await this.#step(step, state, { tell, noCache });
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

  /** What stands on a stage that is done anew is done anew, too. */
  #isDoneAnew({ label, index, base }: PlacedStage): boolean {
    const { noCache, noCacheStages } = this.#options;
    return noCache || noCacheStages.some((name) => name === String(index) || name.toLowerCase() === label.toLowerCase()) || (base.kind === 'stage' && this.#isDoneAnew(base.stage));
  }

  async #begin({ base, from, platform }: PlacedStage, number: number, tell: Tell): Promise<BuildState> {
    const state = base.kind === 'stage' ? asBase(await this.#results.get(base.stage)!) : base.kind === 'scratch' ? emptyState(platform) : stateOfImage(this.#around.images.get(imageKey(base))!);
    tell({ what: 'step', number, total: this.#total, text: from.text });
    tell({ what: 'result', id: base.kind === 'scratch' ? undefined : base.kind === 'image' ? this.#around.images.get(imageKey(base))!.id : idOf(state) });
    return state;
  }

  async #step(step: Step, state: BuildState, { tell, noCache }: StageRun): Promise<BuildState> {
    using opened = new DisposableStack();
    const { lines } = step.instruction;
    try {
      const work = await workOf(step, state, this.#roomOf(tell, this.#signal, opened));
      const isIndependent = work.isIndependent === true;
      // What does not depend on the step before is looked for without it; what comes after depends on both.
      const ownKey = isIndependent ? keyOf('independent', ...work.keyParts) : keyOf(state.key, ...work.keyParts);
      const make = (tellAll: Tell, signal: AbortSignal): Promise<Made> => this.#make(ownKey, isIndependent ? '' : state.key, work, this.#roomOf(tellAll, signal, opened));
      const made = noCache ? await make(tell, this.#signal) : this.#cached(ownKey, tell) ?? this.#named(ownKey, state, work, tell) ?? await this.#around.flights.join(ownKey, { tell, signal: this.#signal, lines }, make);
      const key = isIndependent ? keyOf(state.key, ownKey) : ownKey;
      const { config, author, createdBy, hasOwnCommand = state.hasOwnCommand } = work;
      return nextState(state, key, { config, ...author === undefined ? {} : { author }, createdBy, ...made }, hasOwnCommand);
    } catch (error) {
      throw failedAt(error, lines);
    }
  }

  #roomOf(tell: Tell, signal: AbortSignal, opened: DisposableStack): StepRoom {
    const { storage, ports, session, cacheMounts, fetcher } = this.#around;
    return { storage, ports, session, options: this.#options, tell, signal, opened, fetcher, treeOf: (source) => this.#treeOf(source, opened), inTurn: (work) => this.#inTurn(work, signal), leaseCache: (wish) => cacheMounts.lease(wish, signal) };
  }

  #cached(key: string, tell: Tell): Made | undefined {
    const found = this.#around.cache.find(key);
    if (found === undefined) return undefined;
    this.#used.push(key);
    tell({ what: 'cached' });
    return { layer: found.layer, created: found.createdAt };
  }

  /** From an image that was named as a cache; from then on the cache knows it by itself. */
  #named(key: string, state: BuildState, { createdBy: what }: Work, tell: Tell): Made | undefined {
    const found = foundInImages(this.#around.cacheImages, state, what);
    if (found === undefined) return undefined;
    const sizeBytes = found.layer === undefined ? 0 : this.#around.storage.snapshots.layer(found.layer)?.sizeBytes ?? 0;
    this.#around.cache.put({ key, parent: state.key, createdAt: found.created, layer: found.layer, sizeBytes, what });
    tell({ what: 'cached' });
    return found;
  }

  async #make(key: string, parent: string, { createdBy: what, make }: Work, room: StepRoom): Promise<Made> {
    const epoch = this.#options.epochSeconds;
    const made = await make(room);
    const layer = made === undefined || made.entries === 0 ? undefined : made;
    const created = (epoch === undefined ? new Date() : new Date(epoch * 1000)).toISOString();
    this.#around.cache.put({ key, parent, createdAt: created, layer: layer?.diffId, sizeBytes: layer?.sizeBytes ?? 0, what });
    return { layer: layer?.diffId, created };
  }

  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#running >= runsMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      signal.throwIfAborted();
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

/** What holds for all steps of a stage. */
interface StageRun {
  readonly tell: Tell;
  readonly noCache: boolean;
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
