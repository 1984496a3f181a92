// What a stage has come to after a step: files (layers), configuration, history. A step makes a new state of the one before.
import { createHash } from 'node:crypto';
import { digestOf, type Digest } from '../../base/index.ts';
import type { HistoryEntry, ImageConfig, ImageRunConfig, Platform } from '../../spec/oci/image.ts';
import { defaultPath } from '../evaluate.ts';
import type { BaseImage } from './ports.ts';

export interface BuildState {
  /** Of everything that it depends on: the same key, the same result. */
  readonly key: string;
  readonly layers: readonly Digest[];
  readonly config: ImageRunConfig;
  readonly history: readonly HistoryEntry[];
  readonly author: string;
  /** RFC 3339; undefined for what has no step. */
  readonly created: string | undefined;
  readonly platform: Platform;
  /** Whether CMD was set in this stage: ENTRYPOINT leaves it then. */
  readonly hasOwnCommand: boolean;
}

/** What a step did: a layer, or nothing to files. */
export interface StepResult {
  readonly config: ImageRunConfig;
  readonly layer: Digest | undefined;
  readonly author?: string;
  readonly createdBy: string;
  readonly created: string;
}

export function keyOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** `scratch`. */
export function emptyState(platform: Platform): BuildState {
  return { key: keyOf('scratch', platform), layers: [], config: { Env: [`PATH=${defaultPath}`] }, history: [], author: '', created: undefined, platform, hasOwnCommand: false };
}

/** Its ONBUILD instructions have become steps. */
export function stateOfImage({ id, config, layers }: BaseImage): BuildState {
  const { OnBuild: _, ...rest } = config.config ?? {};
  const { os, architecture, variant } = config;
  const Env = (rest.Env ?? []).some((entry) => entry.startsWith('PATH=')) ? rest.Env! : [...rest.Env ?? [], `PATH=${defaultPath}`];
  return {
    key: keyOf('image', id), layers, config: { ...rest, Env }, history: config.history ?? layers.map(() => ({})), author: config.author ?? '', created: config.created,
    platform: { os, architecture, ...variant === undefined ? {} : { variant } }, hasOwnCommand: false,
  };
}

/** As a stage that is built upon. */
export function asBase(state: BuildState): BuildState {
  const { OnBuild: _, ...config } = state.config;
  return { ...state, config, hasOwnCommand: false };
}

export function nextState(before: BuildState, key: string, { config, layer, author = before.author, createdBy, created }: StepResult, hasOwnCommand = before.hasOwnCommand): BuildState {
  const step: HistoryEntry = { created, created_by: createdBy, ...author === '' ? {} : { author }, ...layer === undefined ? { empty_layer: true } : {} };
  return { ...before, key, config, author, created, hasOwnCommand, layers: layer === undefined ? before.layers : [...before.layers, layer], history: [...before.history, step] };
}

export function imageOf({ layers, config, history, author, created, platform }: BuildState): ImageConfig {
  return { ...platform, ...created === undefined ? {} : { created }, ...author === '' ? {} : { author }, config, rootfs: { type: 'layers', diff_ids: layers }, history };
}

/** The id that an image of this state has. */
export function idOf(state: BuildState): Digest {
  return digestOf(JSON.stringify(imageOf(state)));
}
