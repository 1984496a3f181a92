// The solver: from the stages that a target needs to the state of its last step. Every step has a key, made of the key of the step before and of all
// that the step itself depends on; a key that the cache knows is not done again. Stages that do not need each other are done side by side.
import { posix } from 'node:path';
import { fail, type Digest } from '../../base/index.ts';
import { parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import { formatHeader } from '../../spec/tar/index.ts';
import type { Storage } from '../../storage/index.ts';
import type { EvaluatedStage } from '../evaluate.ts';
import { defaultShell } from '../program.ts';
import { imageKey, type Base, type PlacedStage } from '../stages.ts';
import type { Step } from '../step.ts';
import { isArchive } from './archive.ts';
import type { BuildCache } from './cache.ts';
import { checkDestination, layerTarOf, type CopyPlan } from './copy.ts';
import { digestOfSources } from './digest.ts';
import { BuildFailure, failedAt } from './failure.ts';
import { InOrder, type Tell } from './happening.ts';
import { metadataOf } from './metadata.ts';
import { findPlace, directoriesTo } from './place.ts';
import type { BaseImage, BuildPorts, StepLimits } from './ports.ts';
import { runCommandOf, runVariables } from './run.ts';
import { findSources, type Source, type SourceTree } from './sources.ts';
import { asBase, emptyState, idOf, keyOf, nextState, stateOfImage, type BuildState, type StepResult } from './state.ts';

export interface SolveOptions {
  readonly noCache: boolean;
  /** Of RUN without --network. */
  readonly network: string;
  readonly extraHosts: readonly string[];
  readonly limits: StepLimits;
  /** SOURCE_DATE_EPOCH. */
  readonly epochSeconds: number | undefined;
  /** Of the request: those that RUN sees without declaring them (proxies) among them. */
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly removesContainers: boolean;
}

export interface Surroundings {
  readonly storage: Storage;
  readonly cache: BuildCache;
  readonly ports: BuildPorts;
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
    const { instruction } = step;
    try {
      const metadata = metadataOf(step, state.config, state.hasOwnCommand);
      if (metadata !== undefined) {
        const key = keyOf(state.key, 'metadata', metadata.words, metadata.config, this.#options.epochSeconds);
        const shell = instruction.kind === 'SHELL' ? instruction.words : step.shell ?? defaultShell;
        const createdBy = `${shell.join(' ')} #(nop)  ${metadata.words}`;
        // eslint-disable-next-line typescript/require-await -- nothing to wait for, in a shape that others wait for
        const { created } = await this.#cached(key, state, createdBy, tell, async () => undefined);
        return nextState(state, key, { ...metadata, layer: undefined, createdBy, created }, metadata.setsCommand ?? state.hasOwnCommand);
      }
      switch (instruction.kind) {
        case 'RUN': return await this.#run(step, instruction, state, tell);
        case 'COPY': case 'ADD': return await this.#copy(step, instruction, state, tell);
        case 'WORKDIR': return await this.#workdir(instruction.path, step, state, tell);
        default: throw new Error(`No step is made of ${instruction.kind}`);
      }
    } catch (error) {
      throw failedAt(error, instruction.lines);
    }
  }

  /** What the cache has under the key, or what `make` makes. */
  async #cached(key: string, before: BuildState, what: string, tell: Tell, make: () => Promise<MadeLayer | undefined>): Promise<{ readonly layer: Digest | undefined; readonly created: string }> {
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
    cache.put({ key, parent: before.key, createdAt: created, layer: layer?.diffId, sizeBytes: layer?.sizeBytes ?? 0, what });
    return { layer: layer?.diffId, created };
  }

  async #run(step: Step, instruction: Extract<Step['instruction'], { kind: 'RUN' }>, state: BuildState, tell: Tell): Promise<BuildState> {
    const command = runCommandOf(step, instruction);
    const { environment, shown } = runVariables(step, state.config);
    const options = this.#options;
    const network = instruction.network === 'default' ? options.network : instruction.network;
    const { User: user = '', WorkingDir: workingDir = '' } = state.config;
    const key = keyOf(state.key, 'RUN', command, environment, user, workingDir, network, options.extraHosts, options.epochSeconds);
    const createdBy = `${shown}${command.join(' ')}`;
    const { layer, created } = await this.#cached(key, state, createdBy, tell, () => this.#inTurn(async () => {
      let containerId: string | undefined;
      const end = await this.#around.ports.run({
        layers: state.layers, platform: state.platform, command, environment: [...environment, ...this.#proxies(environment)], user, workingDir, network, extraHosts: options.extraHosts, limits: options.limits,
        latestSeconds: options.epochSeconds, signal: this.#signal,
        onStarted: (id) => { containerId = id; tell({ what: 'running', containerId: id }); }, onOutput: (chunk) => tell({ what: 'output', ...chunk }),
      });
      if (end.exitCode !== 0) throw new BuildFailure(`The command '${command.join(' ')}' returned a non-zero code: ${end.exitCode}`, { lines: [instruction.lines], exitCode: end.exitCode });
      if (containerId !== undefined && options.removesContainers) tell({ what: 'removed', containerId });
      return end.layer;
    }));
    return nextState(state, key, { config: state.config, layer, createdBy, created });
  }

  /** Docker's proxy variables are there without being declared; they are no part of the key. */
  #proxies(environment: readonly string[]): readonly string[] {
    const declared = new Set(environment.map((entry) => entry.split('=', 1)[0]!));
    return [...this.#options.buildArgs].filter(([name]) => proxyNames.test(name) && !declared.has(name)).map(([name, value]) => `${name}=${value}`);
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

  async #workdir(path: string, step: Step, state: BuildState, tell: Tell): Promise<BuildState> {
    const before = state.config.WorkingDir ?? '';
    const absolute = posix.resolve('/', before, path);
    const key = keyOf(state.key, 'WORKDIR', absolute, this.#options.epochSeconds);
    const createdBy = `${(step.shell ?? defaultShell).join(' ')} #(nop) WORKDIR ${absolute}`;
    const { layer, created } = await this.#cached(key, state, createdBy, tell, async () => {
      const { snapshots } = this.#around.storage;
      using root = snapshots.openFiles(state.layers);
      const place = findPlace(root, absolute);
      if (place.existing === place.parts.length) return undefined;
      const headers = directoriesTo(root, place, { owner: { uid: 0, gid: 0 }, seconds: this.#nowSeconds() });
      return await snapshots.unpack(one(Buffer.concat([...headers.map(formatHeader), Buffer.alloc(1024)])), { signal: this.#signal });
    });
    return nextState(state, key, { config: { ...state.config, WorkingDir: absolute }, layer, createdBy, created });
  }

  #nowSeconds(): number {
    return this.#options.epochSeconds ?? Math.floor(Date.now() / 1000);
  }

  async #copy(step: Step, instruction: Extract<Step['instruction'], { kind: 'COPY' | 'ADD' }>, state: BuildState, tell: Tell): Promise<BuildState> {
    refuseLater(instruction);
    using opened = new DisposableStack();
    const tree = await this.#treeOf(step.sources[0], opened);
    const exclude = parseIgnoreFile(instruction.exclude.join('\n'));
    const found: Source[] = [];
    for (const written of instruction.sources) found.push(...await findSources(tree, written, { exclude, opened, signal: this.#signal }));
    const archives = instruction.kind === 'ADD' && instruction.unpack !== false ? await archivesAmong(found) : new Set<Source>();
    const from = instruction.kind === 'COPY' ? instruction.from : undefined;
    const draft = { keyword: instruction.kind, inline: instruction.inline, sources: found.filter((source) => !archives.has(source)), archives: [...archives].map(({ entries: [entry] }) => ({ entry: entry! })), destination: instruction.destination };
    checkDestination(draft);
    const keepsOwners = from !== undefined && instruction.chown === undefined;
    const digest = await digestOfSources(found, { withOwners: keepsOwners, signal: this.#signal });
    const { chown, chmod, destination, inline } = instruction;
    const workingDir = state.config.WorkingDir ?? '';
    const content = keyOf(digest, inline);
    const key = keyOf(state.key, instruction.kind, content, destination, workingDir, chown, chmod, archives.size, this.#options.epochSeconds);
    const createdBy = `${(step.shell ?? defaultShell).join(' ')} #(nop) ${instruction.kind} ${chown === undefined ? '' : `--chown=${chown} `}${chmod === undefined ? '' : `--chmod=${chmod} `}${kindOf(found, inline.length)}:${content} in ${destination} `;
    const { layer, created } = await this.#cached(key, state, createdBy, tell, async () => {
      const { storage: { snapshots }, ports } = this.#around;
      using root = snapshots.openFiles(state.layers);
      const plan: CopyPlan = {
        ...draft, workingDir, keepsOwners, owner: chown === undefined ? undefined : ports.owner(root, chown), mode: chmod === undefined ? undefined : modeOf(chmod),
        nowSeconds: this.#nowSeconds(), latestSeconds: this.#options.epochSeconds, signal: this.#signal,
      };
      return await snapshots.unpack(layerTarOf(plan, root), { signal: this.#signal });
    });
    return nextState(state, key, { config: state.config, layer, createdBy, created } satisfies StepResult);
  }

  async #treeOf(source: Base | undefined, opened: DisposableStack): Promise<SourceTree> {
    if (source === undefined) return this.#around.context;
    const { snapshots } = this.#around.storage;
    const layers = source.kind === 'scratch' ? [] : source.kind === 'stage' ? (await this.#results.get(source.stage)!).layers : (await this.#around.findImage(source, this.#signal)).layers;
    return { root: opened.use(snapshots.openFiles(layers)), hides: () => false, isContext: false };
  }
}

type MadeLayer = { readonly diffId: Digest; readonly sizeBytes: number; readonly entries: number };

const proxyNames = /^(https?_proxy|ftp_proxy|no_proxy|all_proxy)$/i;

async function archivesAmong(sources: readonly Source[]): Promise<ReadonlySet<Source>> {
  const archives = new Set<Source>();
  for (const source of sources) if (!source.isDirectory && source.entries[0] !== undefined && await isArchive(source.entries[0])) archives.add(source);
  return archives;
}

function kindOf(sources: readonly Source[], inlineCount: number): 'file' | 'dir' | 'multi' {
  if (sources.length + inlineCount !== 1) return 'multi';
  return sources[0]?.isDirectory === true ? 'dir' : 'file';
}

function modeOf(text: string): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  throw fail('unsupported', `--chmod=${text} is not supported yet`, { hint: 'Write the mode as a number, as in --chmod=755' });
}

/** What is part of the language and not of this builder yet. */
function refuseLater(instruction: Extract<Step['instruction'], { kind: 'COPY' | 'ADD' }>): void {
  if (instruction.kind === 'COPY') {
    if (instruction.parents) throw fail('unsupported', 'COPY --parents comes later', { hint: 'Copy the directories one by one' });
    return;
  }
  const url = instruction.sources.find((source) => /^(https?:\/\/|git:\/\/|git@|ssh:\/\/)/.test(source));
  if (url !== undefined) throw fail('unsupported', `ADD of something elsewhere (${url.slice(0, 200)}) comes later`, { hint: 'Download it before the build, or in a RUN' });
  if (instruction.checksum !== undefined || instruction.keepGitDir === true) throw fail('unsupported', 'ADD --checksum and --keep-git-dir are for sources elsewhere, which come later');
  if (instruction.unpack === true) throw fail('unsupported', 'ADD --unpack of something elsewhere comes later', { hint: 'Archives of the context are unpacked without it' });
}

// eslint-disable-next-line typescript/require-await -- a stream of one piece
async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
