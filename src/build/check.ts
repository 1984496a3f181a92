// The calls that look at a Dockerfile and build nothing: check, outline, targets.
import { DockerfileError, locate, parseDockerfile, parseIgnoreFile, readDockerfile, type Dockerfile, type From, type IgnoreFile } from '../spec/dockerfile/index.ts';
import { locationOf, type BuildFault, type BuildFile, type BuildTarget, type CheckResult, type LintWarning, type OutlineResult, type TargetsResult } from '../spec/estiva/build-check.ts';
import type { ImageConfig, Platform } from '../spec/oci/image.ts';
import { analyze, type Analysis, unknownImages } from './analyze.ts';
import { lint, pageOf, readLintSettings, rules, type Finding } from './lint/index.ts';
import { outlineOf } from './outline.ts';
import type { BuildRequest } from './request.ts';
import { imageKey } from './stages.ts';

export interface CheckRequest extends Omit<BuildRequest, 'images'> {
  readonly dockerfile: BuildFile;
  readonly ignoreFile: BuildFile | undefined;
}

/** The configuration of an image that is here. */
export type FindImage = (reference: string, platform: Platform) => ImageConfig | undefined;

/** Mistakes are in the result. */
export function check(request: CheckRequest, findImage: FindImage): CheckResult {
  const { dockerfile, failure: misread } = readDockerfile(request.dockerfile.text);
  const known = misread === undefined ? analyzeKnowing(dockerfile, request, findImage, request.target === undefined) : undefined;
  const { findings, failure } = lintKnowing(dockerfile, request, known);
  const fault = misread ?? failure ?? known?.analysis.failure;
  const unknown = known === undefined ? [] : [...new Set(unknownImages(known.analysis, known.request).map(({ reference }) => reference))];
  return {
    warnings: findings.length === 0 ? null : findings.map(warningOf),
    sources: [{ filename: request.dockerfile.name, data: encode(request.dockerfile), language: 'Dockerfile' }],
    ...fault === undefined ? {} : { buildError: faultOf(fault) },
    ...unknown.length === 0 ? {} : { unknownImages: unknown },
  };
}

export function outline(request: CheckRequest, findImage: FindImage): OutlineResult {
  return orFault(request.dockerfile, () => outlineOf(analyzeKnowing(parseDockerfile(request.dockerfile.text), request, findImage, false).analysis));
}

export function targets({ dockerfile }: Pick<CheckRequest, 'dockerfile'>): TargetsResult {
  return orFault<Omit<TargetsResult, 'sources'>>(dockerfile, () => {
    const { stages } = parseDockerfile(dockerfile.text);
    return { targets: stages.map(({ from }, i) => ({ ...targetOf(from), ...i === stages.length - 1 ? { default: true } : {} })) };
  });
}

function targetOf({ name, description, base, platform, lines }: From): BuildTarget {
  return { ...name === undefined ? {} : { name }, ...description === undefined ? {} : { description }, base, ...platform === undefined ? {} : { platform }, location: locationOf([lines]) };
}

/** A mistake is an answer, too: with it go the lines that it points to. */
function orFault<T extends object>(dockerfile: BuildFile, work: () => T): (T | { readonly buildError: BuildFault }) & { readonly sources: readonly string[] } {
  const sources = [encode(dockerfile)];
  try {
    return { ...work(), sources };
  } catch (error) {
    if (error instanceof DockerfileError) return { buildError: faultOf(error), sources };
    throw error;
  }
}

interface Known {
  readonly request: BuildRequest;
  readonly analysis: Analysis;
}

/** Images are known only when their names are; and an ONBUILD of one may name more. */
function analyzeKnowing(dockerfile: Dockerfile, request: CheckRequest, findImage: FindImage, allStages: boolean): Known {
  const images = new Map<string, ImageConfig>();
  const whole: BuildRequest = { ...request, images };
  for (;;) {
    const analysis = analyze(dockerfile, whole, { allStages });
    const found = unknownImages(analysis, whole).flatMap((image) => {
      const config = findImage(image.reference, image.platform);
      return config === undefined ? [] : [[imageKey(image), config] as const];
    });
    if (found.length === 0) return { request: whole, analysis };
    for (const [key, config] of found) images.set(key, config);
  }
}

function lintKnowing(dockerfile: Dockerfile, request: CheckRequest, known: Known | undefined): { readonly findings: readonly Finding[]; readonly failure: DockerfileError | undefined } {
  try {
    const settings = readLintSettings(request.buildArgs.get('BUILDKIT_DOCKERFILE_CHECK') ?? dockerfile.directives.check);
    const findings = lint({ dockerfile, analysis: known?.analysis, request: known?.request ?? { ...request, images: new Map() }, ignored: ignoreFileOf(request.ignoreFile), settings });
    if (!settings.isError || findings.length === 0) return { findings, failure: undefined };
    return { findings, failure: new DockerfileError(`lint violation found for rules: ${[...new Set(findings.map(({ rule }) => rule))].join(', ')}`, []) };
  } catch (error) {
    if (error instanceof DockerfileError) return { findings: [], failure: error };
    throw error;
  }
}

function ignoreFileOf(file: BuildFile | undefined): IgnoreFile | undefined {
  if (file === undefined) return undefined;
  try {
    return parseIgnoreFile(file.text);
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    const line = error.lines[0]?.start;
    throw locate(new DockerfileError(`${file.name}${line === undefined ? '' : `:${line}`}: ${error.message}`, [], error.hint), { start: 0, end: 0 });
  }
}

function warningOf({ rule, detail, lines }: Finding): LintWarning {
  return { ruleName: rule, description: rules[rule].description, url: pageOf(rule), detail, location: locationOf([lines]) };
}

function faultOf({ message, hint, lines }: DockerfileError): BuildFault {
  return { message, ...hint === undefined ? {} : { hint }, location: locationOf(lines) };
}

function encode({ text }: BuildFile): string {
  return Buffer.from(text).toString('base64');
}
