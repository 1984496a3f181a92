// A build: a context and wishes become an image. The Dockerfile is read and analyzed, the images that it starts from are found or pulled, the solver does
// what the cache does not know, and one transaction makes the image visible.
import { fail, isFail, type Digest } from '../../base/index.ts';
import { didYouMean, parseDockerfile, type Dockerfile, type Label } from '../../spec/dockerfile/index.ts';
import type { ImageConfig, Platform } from '../../spec/oci/image.ts';
import { canonicalReference, parseReference, withDefaultTag } from '../../spec/reference.ts';
import type { Storage } from '../../storage/index.ts';
import { analyze, type Analysis } from '../analyze.ts';
import type { EvaluatedStage } from '../evaluate.ts';
import type { Contexts } from '../contexts/index.ts';
import type { BuildRequest } from '../request.ts';
import type { BuildSession } from '../session.ts';
import { imageKey, type Base } from '../stages.ts';
import type { BuildCache } from './cache.ts';
import type { CacheMounts } from './cache-mounts.ts';
import { openContext, type Context, type ContextSource } from './context.ts';
import type { Flights } from './flights.ts';
import type { Tell } from './happening.ts';
import type { BaseImage, BuildPorts } from './ports.ts';
import { sendOutput, type SentOutput } from './output.ts';
import { openRemoteContext } from './remote/context.ts';
import { Fetcher } from './remote/fetcher.ts';
import { isProxyVariable } from './remote/proxy.ts';
import { Solver } from './solve.ts';
import { squash } from './squash.ts';
import { idOf, imageOf } from './state.ts';
import { nowSecondsOf, type SolveOptions } from './work.ts';

export interface BuildOrder extends Omit<SolveOptions, 'epochSeconds'> {
  readonly context: ContextSource;
  /** Its path in the context. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: the last stage. */
  readonly target: string | undefined;
  readonly platform: Platform;
  readonly buildPlatform: Platform;
  /** Asks the registry also for images that are here. */
  readonly pull: boolean;
  /** With its client, for secrets and ssh agents. */
  readonly session: BuildSession | undefined;
  /** In the place of a context that is sent: a git repository, an archive or a Dockerfile on the web. */
  readonly remote?: string | undefined;
  /** Images whose layers are a cache, too. */
  readonly cacheFrom?: readonly string[] | undefined;
  /** All that the build has made is one layer. */
  readonly squashes?: boolean | undefined;
  /** Undefined: an image, kept here. */
  readonly output?: SentOutput | undefined;
  readonly onHappening: Tell;
  readonly signal: AbortSignal;
}

export interface Built {
  readonly id: Digest;
  /** Of an archive that was sent. */
  readonly manifest?: Digest | undefined;
}

export interface BuildRoom {
  readonly storage: Storage;
  readonly cache: BuildCache;
  readonly cacheMounts: CacheMounts;
  /** Of all builds. */
  readonly flights: Flights;
  readonly contexts: Contexts;
  readonly ports: BuildPorts;
}

type ImageBase = Extract<Base, { kind: 'image' }>;

/** @throws DockerfileError and BuildFailure with lines; what the steps before came to stays in the cache */
export async function build(room: BuildRoom, order: BuildOrder): Promise<Built> {
  const { storage, cache, ports } = room;
  const references = order.tags.map(checkTag);
  const fetcher = new Fetcher({ storage, cache, ports, noCache: order.noCache, buildArgs: order.buildArgs, signal: order.signal });
  if (order.remote !== undefined) return await ports.whileMaking(() => buildElsewhere(room, order, order.remote!, { fetcher, references }));
  using context = await openContext(room, order.context, order.dockerfile, order.signal);
  return await ports.whileMaking(() => buildFrom(room, order, context, { fetcher, references }));
}

interface Means {
  readonly fetcher: Fetcher;
  readonly references: readonly string[];
}

async function buildElsewhere(room: BuildRoom, order: BuildOrder, remote: string, means: Means): Promise<Built> {
  using found = await openRemoteContext(remote, means.fetcher, room.storage);
  using context = await openContext(room, found.tar, found.isDockerfile ? 'Dockerfile' : order.dockerfile, order.signal);
  return await buildFrom(room, order, context, means);
}

/** The image under all of a stage; undefined: nothing. */
function baseOf({ stage, base }: EvaluatedStage, images: ReadonlyMap<string, BaseImage>): BaseImage | undefined {
  if (base !== undefined) return baseOf(base, images);
  return stage.base.kind === 'image' ? images.get(imageKey(stage.base)) : undefined;
}

/** Those that are here or can be pulled. One that is not is told of: the first build of all has none. */
async function findCacheImages({ cacheFrom = [], noCache, platform, signal, onHappening }: BuildOrder, ports: BuildPorts): Promise<readonly BaseImage[]> {
  const found: BaseImage[] = [];
  for (const name of noCache ? [] : cacheFrom) {
    try {
      found.push(await ports.image(canonicalReference(withDefaultTag(parseReference(name))), platform, { pull: false, signal }));
    } catch (error) {
      if (!isFail(error) || signal.aborted) throw error;
      onHappening({ what: 'warning', text: `[Warning] ${name} is no cache: ${error.message}` });
    }
  }
  return found;
}

async function buildFrom({ storage, cache, cacheMounts, flights, ports }: BuildRoom, order: BuildOrder, context: Context, { fetcher, references }: Means): Promise<Built> {
  const dockerfile = parseDockerfile(context.dockerfile);
  const images = new Map<string, BaseImage>();
  const findImage = async (base: ImageBase, signal: AbortSignal): Promise<BaseImage> => {
    const image = images.get(imageKey(base)) ?? await ports.image(base.reference, base.platform, { pull: order.pull, signal });
    images.set(imageKey(base), image);
    return image;
  };
  const { analysis, target } = await analyzeKnowing(dockerfile, order, ports, (base) => findImage(base, order.signal), images);
  warnOfUnused(analysis, order);
  refuseUnknownStages(analysis, order);
  const labelled = withLabels(target, order.labels);
  const stages = analysis.evaluated.map((stage) => (stage === target ? labelled : stage));
  const globalSteps = dockerfile.globals;
  const options: SolveOptions = { ...order, epochSeconds: epochOf(order.buildArgs) };
  const cacheImages = await findCacheImages(order, ports);
  const solver = new Solver(stages, options, { storage, cache, cacheMounts, flights, ports, fetcher, cacheImages, context: context.tree, images, findImage, session: order.session, tell: order.onHappening, signal: order.signal }, globalSteps.length);
  for (const [i, { text }] of globalSteps.entries()) order.onHappening({ what: 'step', number: i + 1, total: solver.total, text });
  const solved = await solver.solve(labelled);
  const state = order.squashes === true ? await squash(solved, { base: baseOf(labelled, images), nowSeconds: nowSecondsOf(options), signal: order.signal }, storage) : solved;
  if (state.history.length === 0) throw fail('invalid', 'No image was generated. Is your Dockerfile empty?', { hint: 'A stage FROM scratch needs at least one instruction' });
  const config = imageOf(state);
  if (order.output === undefined) return { id: await ports.put({ config, references }) };
  return { id: idOf(state), manifest: await sendOutput(order.output, config, references, { storage, ports, epochSeconds: options.epochSeconds }) };
}

/** Images are known only when their names are, and an ONBUILD of one may name more. */
async function analyzeKnowing(dockerfile: Dockerfile, order: BuildOrder, ports: BuildPorts, findImage: (base: ImageBase) => Promise<BaseImage>, known: ReadonlyMap<string, BaseImage>): Promise<{ readonly analysis: Analysis; readonly target: EvaluatedStage }> {
  const configs = new Map<string, ImageConfig>();
  const { buildArgs, target, platform, buildPlatform } = order;
  const request: BuildRequest = { buildArgs, target, platform, buildPlatform, images: configs, isSignal: (word) => ports.isSignal(word) };
  for (;;) {
    const analysis = analyze(dockerfile, request, { allStages: false });
    const unknown = analysis.evaluated.flatMap(({ stage: { base } }) => (base.kind === 'image' && !known.has(imageKey(base)) ? [base] : []));
    await Promise.all(unknown.map(findImage));
    for (const [key, { config }] of known) configs.set(key, config);
    if (unknown.length > 0) continue;
    if (analysis.failure !== undefined) throw analysis.failure;
    return { analysis, target: analysis.target! };
  }
}

/** The labels of the request are the last step of the target. */
function withLabels(target: EvaluatedStage, labels: BuildOrder['labels']): EvaluatedStage {
  const pairs = Object.entries(labels).map(([key, value]) => ({ key, value, isLegacy: false }));
  if (pairs.length === 0) return target;
  const { stage, base, isBaseKnown, steps } = target;
  const text = `LABEL ${pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`;
  const instruction: Label = { kind: 'LABEL', keyword: 'LABEL', text, lines: stage.from.lines, comments: [], pairs };
  const last = steps.at(-1);
  const shell = last?.instruction.kind === 'SHELL' ? last.instruction.words : last?.shell;
  return { stage, base, isBaseKnown, steps: [...steps, { instruction, isTrigger: false, sources: [], mounts: [], ports: [], environment: () => new Map(), arguments: () => [], shell, undefinedNames: [] }] };
}

/** Names that are there without an ARG: proxies, the platform, and what says which times files have. */
const predefined = /^(SOURCE_DATE_EPOCH|(BUILD|TARGET)(PLATFORM|OS|OSVERSION|ARCH|VARIANT)|TARGETSTAGE|BUILDKIT_.*)$/i;

function warnOfUnused({ globals, evaluated }: Analysis, { buildArgs, onHappening }: BuildOrder): void {
  const declared = new Set([...globals.declared.keys(), ...evaluated.flatMap(({ steps }) => steps.flatMap((step) => step.arguments().map(({ name }) => name)))]);
  const unused = [...buildArgs.keys()].filter((name) => !declared.has(name) && !predefined.test(name) && !isProxyVariable(name)).sort();
  if (unused.length > 0) onHappening({ what: 'warning', text: `[Warning] One or more build-args [${unused.join(' ')}] were not consumed` });
}

/** @throws `invalid` for a stage that is not in the Dockerfile: nothing would be done anew */
function refuseUnknownStages({ stages }: Analysis, { noCacheStages }: BuildOrder): void {
  const unknown = noCacheStages.find((name) => !stages.some(({ label, index }) => label.toLowerCase() === name.toLowerCase() || String(index) === name));
  if (unknown !== undefined) throw fail('invalid', `There is no stage ${JSON.stringify(unknown)} to be done without the cache${didYouMean(unknown, stages.map(({ label }) => label))}`);
}

/** @throws `invalid` for what is no number of seconds */
function epochOf(buildArgs: ReadonlyMap<string, string>): number | undefined {
  const text = buildArgs.get('SOURCE_DATE_EPOCH');
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,11}$/.test(text)) throw fail('invalid', `invalid SOURCE_DATE_EPOCH: ${text.slice(0, 100)}`, { hint: 'Give seconds since 1970, as in $(git log -1 --format=%ct)' });
  return Number(text);
}

/** @throws `invalid` for what cannot be a tag */
function checkTag(text: string): string {
  const reference = withDefaultTag(parseReference(text));
  if (reference.digest !== undefined) throw fail('invalid', 'build tag cannot contain a digest');
  return canonicalReference(reference);
}
