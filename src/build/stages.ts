// Stages with their bases: another stage, an image, or nothing (`scratch`); and how others name them.
import { didYouMean, DockerfileError, expand, locate, type Dockerfile, type Escape, type From, type LineRange, type Stage } from '../spec/dockerfile/index.ts';
import type { Platform } from '../spec/oci/image.ts';
import { canonicalReference, parseReference, withDefaultTag } from '../spec/reference.ts';
import { formatPlatform } from '../spec/oci/platform.ts';
import type { Globals } from './globals.ts';
import { readPlatform } from './platform.ts';
import type { BuildRequest } from './request.ts';

export type Base =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'image'; readonly reference: string; readonly platform: Platform }
  | { readonly kind: 'stage'; readonly stage: PlacedStage };

/** A stage that knows where it stands. */
export interface PlacedStage {
  readonly index: number;
  /** Its name, or `stage-N`. */
  readonly label: string;
  readonly from: From;
  readonly commands: Stage['commands'];
  readonly base: Base;
  /** What its programs run on. */
  readonly platform: Platform;
  /** For lint and outline: the names that FROM used, and those that nobody declared. */
  readonly use: FromUse;
}

export interface FromUse {
  readonly matched: ReadonlySet<string>;
  readonly unmatched: readonly string[];
  /** Of --platform. */
  readonly platform: { readonly text: string; readonly matched: ReadonlySet<string>; readonly unmatched: readonly string[] } | undefined;
}

/** What is known of an image is kept under this. */
export function imageKey({ reference, platform }: { readonly reference: string; readonly platform: Platform }): string {
  return `${reference} ${formatPlatform(platform)}`;
}

export class Stages {
  readonly all: PlacedStage[] = [];
  /** Names may come twice: of two stages, FROM means the one before it, COPY --from the last one. */
  readonly #byName = new Map<string, PlacedStage>();
  readonly #globals: Globals;
  readonly #request: BuildRequest;
  readonly #escape: Escape;

  constructor(globals: Globals, request: BuildRequest, { directives }: Dockerfile) {
    this.#globals = globals;
    this.#request = request;
    this.#escape = directives.escape;
  }

  /** @throws a DockerfileError for a base or a platform that cannot be */
  add({ from, commands }: Stage): void {
    try {
      this.#add(from, commands);
    } catch (error) {
      throw locate(error, from.lines);
    }
  }

  /** A stage by name or number; undefined when it must be an image. @throws for a number that no stage has */
  find(name: string, lines: LineRange): PlacedStage | undefined {
    if (!/^[+-]?\d+$/.test(name)) return this.#byName.get(name.toLowerCase());
    const stage = this.all[Number(name)];
    if (stage === undefined) throw new DockerfileError(`invalid stage index ${Number(name)}`, [lines], `There are ${this.all.length} stages; the first is 0`);
    return stage;
  }

  target(name: string | undefined): PlacedStage {
    if (name === undefined || name === '') return this.all.at(-1)!;
    const stage = this.#byName.get(name.toLowerCase()) ?? (/^\d+$/.test(name) ? this.all[Number(name)] : undefined);
    if (stage === undefined) throw new DockerfileError(`target stage ${JSON.stringify(name)} could not be found${didYouMean(name, this.all.map(({ label }) => label))}`, []);
    return stage;
  }

  /** An image as a source of files: for the platform of the build. */
  image(name: string, platform = this.#request.platform): Base {
    if (name === 'scratch') return { kind: 'scratch' };
    return { kind: 'image', reference: canonical(name), platform };
  }

  #add(from: From, commands: Stage['commands']): void {
    const lookup = (name: string): string | undefined => this.#globals.values.get(name);
    const { text: baseName, matched, unmatched } = expand(from.base, lookup, { escape: this.#escape });
    const use = { matched, unmatched: [...unmatched], platform: undefined };
    // What FROM used is known to lint also when the rest of it fails.
    const index = this.all.length;
    const label = from.name ?? `stage-${index}`;
    const draft = (rest: Pick<PlacedStage, 'base' | 'platform' | 'use'>): PlacedStage => ({ index, label, from, commands, ...rest });
    this.all.push(draft({ base: { kind: 'scratch' }, platform: this.#request.platform, use }));
    if (baseName === '') throw new DockerfileError(`base name (${from.base}) should not be blank`, [from.lines], unmatched.size === 0 ? undefined : `Declare it: ARG ${[...unmatched][0]}=IMAGE above the first FROM`);
    const platformUse = from.platform === undefined ? undefined : expand(from.platform, lookup, { escape: this.#escape });
    const fullUse: FromUse = { ...use, platform: platformUse === undefined ? undefined : { text: platformUse.text, matched: platformUse.matched, unmatched: [...platformUse.unmatched] } };
    this.all[index] = draft({ base: { kind: 'scratch' }, platform: this.#request.platform, use: fullUse });
    const platform = platformUse === undefined ? this.#request.platform : this.#platform(from, platformUse.text, platformUse.unmatched);
    const below = this.#byName.get(baseName);
    const base: Base = below !== undefined ? { kind: 'stage', stage: below } : this.image(baseName, platform);
    const stage = draft({ base, platform: below?.platform ?? platform, use: fullUse });
    this.all[index] = stage;
    if (from.name !== undefined) this.#byName.set(from.name, stage);
  }

  #platform(from: From, text: string, unmatched: ReadonlySet<string>): Platform {
    const near = [...unmatched].map((name) => didYouMean(name, this.#globals.values.keys())).find((hint) => hint !== '') ?? '';
    if (text === '') throw new DockerfileError(`empty platform value from expression ${from.platform}${near}`, [from.lines]);
    try {
      return readPlatform(text, this.#request.buildPlatform);
    } catch (error) {
      throw locate(error, from.lines, `failed to parse platform ${from.platform}: `);
    }
  }
}

/** @throws a DockerfileError, without lines */
function canonical(name: string): string {
  try {
    return canonicalReference(withDefaultTag(parseReference(name)));
  } catch (error) {
    throw new DockerfileError(`failed to parse stage name ${JSON.stringify(name)}: ${error instanceof Error ? error.message : String(error)}`, []);
  }
}
