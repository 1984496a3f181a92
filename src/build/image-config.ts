// The image that a sequence of instructions comes to, as far as it can be told without running them: everything but the layers. What a stage starts
// from is taken over; only what ONBUILD left for it is used up.
import { posix } from 'node:path';
import type { Command } from '../spec/dockerfile/index.ts';
import type { HistoryEntry, ImageConfig, ImageRunConfig } from '../spec/oci/image.ts';
import { defaultPath, type EvaluatedStage } from './evaluate.ts';
import { historyOf, wordsOf } from './history.ts';
import type { BuildRequest } from './request.ts';
import { imageKey } from './stages.ts';
import type { Step } from './step.ts';

/** The stage's image; `rootfs` has the layers of the image at the bottom, and each entry of the history that is not empty adds one. */
export function imageOf(stage: EvaluatedStage, { images }: Pick<BuildRequest, 'images'>): ImageConfig {
  const chain = [stage];
  for (let below = stage.base; below !== undefined; below = below.base) chain.unshift(below);
  const bottom = chain[0]!.stage;
  const base = bottom.base.kind === 'image' ? images.get(imageKey(bottom.base)) : undefined;
  const draft = new ImageDraft(base);
  for (const { steps } of chain) draft.addStage(steps);
  const { os, architecture, variant } = bottom.platform;
  return { architecture: base?.architecture ?? architecture, os: base?.os ?? os, ...variant === undefined ? {} : { variant }, ...draft.finish(), rootfs: base?.rootfs ?? { type: 'layers', diff_ids: [] } };
}

class ImageDraft {
  #config: Omit<ImageRunConfig, 'Env' | 'Labels' | 'ExposedPorts' | 'Volumes' | 'OnBuild'>;
  readonly #env: Map<string, string>;
  readonly #labels: Map<string, string>;
  readonly #ports: Set<string>;
  readonly #volumes: Set<string>;
  readonly #history: HistoryEntry[];
  #onBuild: string[] = [];
  #author: string | undefined;
  /** Whether the stage has a CMD of its own. */
  #hasCmd = false;

  constructor(base: ImageConfig | undefined) {
    const { Env = [], Labels = {}, ExposedPorts = {}, Volumes = {}, OnBuild: _, ...config } = base?.config ?? {};
    this.#config = config;
    this.#env = new Map(Env.map((entry) => [entry.split('=', 1)[0]!, entry]));
    if (!this.#env.has('PATH')) this.#env.set('PATH', `PATH=${defaultPath}`);
    this.#labels = new Map(Object.entries(Labels));
    this.#ports = new Set(Object.keys(ExposedPorts));
    this.#volumes = new Set(Object.keys(Volumes));
    this.#history = [...base?.history ?? []];
    this.#author = base?.author;
  }

  addStage(steps: readonly Step[]): void {
    [this.#onBuild, this.#hasCmd] = [[], false];
    for (const step of steps) {
      this.#apply(step.instruction, step);
      const entry = historyOf(step, this.#config.WorkingDir ?? '/');
      if (entry !== undefined) this.#history.push(entry);
    }
  }

  finish(): Pick<ImageConfig, 'author' | 'config' | 'history'> {
    return { ...this.#author === undefined ? {} : { author: this.#author }, config: this.#finishConfig(), history: this.#history };
  }

  #finishConfig(): ImageRunConfig {
    const keys = (set: ReadonlySet<string>): Record<string, object> => Object.fromEntries([...set].map((key) => [key, {}]));
    return {
      ...this.#config, Env: [...this.#env.values()],
      ...this.#labels.size === 0 ? {} : { Labels: Object.fromEntries(this.#labels) },
      ...this.#ports.size === 0 ? {} : { ExposedPorts: keys(this.#ports) },
      ...this.#volumes.size === 0 ? {} : { Volumes: keys(this.#volumes) },
      ...this.#onBuild.length === 0 ? {} : { OnBuild: this.#onBuild },
    };
  }

  #apply(instruction: Command, { shell, ports }: Step): void {
    switch (instruction.kind) {
      case 'ENV': return instruction.pairs.forEach(({ key, value }) => this.#env.set(key, `${key}=${value}`));
      case 'LABEL': return instruction.pairs.forEach(({ key, value }) => this.#labels.set(key, value));
      case 'CMD':
        this.#hasCmd = true;
        return this.#set({ Cmd: wordsOf(instruction.command, shell), ArgsEscaped: true });
      case 'ENTRYPOINT': return this.#entrypoint(wordsOf(instruction.command, shell));
      case 'EXPOSE': return ports.forEach((port) => this.#ports.add(port));
      case 'VOLUME': return instruction.paths.forEach((path) => this.#volumes.add(path));
      case 'USER': return this.#set({ User: instruction.user });
      case 'WORKDIR': return this.#set({ WorkingDir: posix.resolve('/', this.#config.WorkingDir ?? '', instruction.path) });
      case 'STOPSIGNAL': return this.#set({ StopSignal: instruction.signal });
      case 'SHELL': return this.#set({ Shell: instruction.words });
      case 'HEALTHCHECK': return this.#set({ Healthcheck: healthOf(instruction.check) });
      case 'MAINTAINER':
        this.#author = instruction.name;
        return undefined;
      case 'ONBUILD':
        this.#onBuild.push(instruction.trigger);
        return undefined;
      default: return undefined;
    }
  }

  #set(part: Partial<ImageRunConfig>): void {
    this.#config = { ...this.#config, ...part };
  }

  /** A new entry point drops the command of what the stage starts from. */
  #entrypoint(words: readonly string[]): void {
    const { Cmd, ...config } = this.#config;
    this.#config = { ...config, ...this.#hasCmd && Cmd !== undefined ? { Cmd } : {}, ...words.length === 0 ? {} : { Entrypoint: words } };
    if (words.length === 0) delete (this.#config as { Entrypoint?: unknown }).Entrypoint;
  }
}

/** What is 0 is left out: the engine's default. */
function healthOf({ test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries }: Extract<Command, { kind: 'HEALTHCHECK' }>['check']): NonNullable<ImageRunConfig['Healthcheck']> {
  const given = { Interval: intervalNs, Timeout: timeoutNs, StartPeriod: startPeriodNs, StartInterval: startIntervalNs, Retries: retries };
  return { Test: test, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== 0)) };
}
