// Rules about FROM: what it starts from, and for which platform.
import { didYouMean, DockerfileError, expand, type Dockerfile } from '../../spec/dockerfile/index.ts';
import { isFail } from '../../base/index.ts';
import { formatPlatform } from '../../spec/oci/platform.ts';
import { parseReference } from '../../spec/reference.ts';
import type { Analysis } from '../analyze.ts';
import { globalArguments } from '../globals.ts';
import { platformArguments, readPlatform } from '../platform.ts';
import type { BuildRequest } from '../request.ts';
import { imageKey, type PlacedStage } from '../stages.ts';
import { finding, type Finding } from './finding.ts';

/** A Dockerfile should build without any build argument: its defaults must be names of images. */
export function defaultBases(dockerfile: Dockerfile, request: BuildRequest): readonly Finding[] {
  const findings: Finding[] = [];
  try {
    const targetName = request.target ?? dockerfile.stages.at(-1)?.from.name ?? '';
    const { values } = globalArguments(dockerfile, platformArguments(request, targetName), new Map());
    for (const { from } of dockerfile.stages) {
      const { text } = expand(from.base, (name) => values.get(name), { escape: dockerfile.directives.escape });
      if (!isReference(text)) findings.push(finding('InvalidDefaultArgInFrom', from, `Default value for ARG ${from.base} results in empty or invalid base image name`));
    }
  } catch (error) {
    // What cannot be made out is told as the mistake that it is, with the build's own arguments.
    if (!(error instanceof DockerfileError)) throw error;
  }
  return findings;
}

function isReference(text: string): boolean {
  try {
    return text !== '' && parseReference(text) !== undefined;
  } catch (error) {
    if (isFail(error)) return false;
    throw error;
  }
}

export function baseFindings({ stages, globals }: Analysis, { buildPlatform, images }: BuildRequest): readonly Finding[] {
  return stages.flatMap((stage) => [
    ...undeclared(stage, stage.use.unmatched, globals),
    ...platformFindings(stage, globals, buildPlatform),
    ...wrongPlatform(stage, images),
  ]);
}

/** ARG without a value is declared, too. */
function undeclared({ from }: PlacedStage, names: readonly string[], { values, declared }: Analysis['globals']): readonly Finding[] {
  const options = [...declared.keys(), ...values.keys()];
  return names.filter((name) => !declared.has(name)).map((name) => finding('UndefinedArgInFrom', from, `FROM argument '${name}' is not declared${didYouMean(name, options)}`));
}

function platformFindings(stage: PlacedStage, globals: Analysis['globals'], host: BuildRequest['buildPlatform']): readonly Finding[] {
  const { from, use: { platform: use } } = stage;
  if (use === undefined) return [];
  const findings = [...undeclared(stage, use.unmatched, globals)];
  if (use.matched.size === 1 && use.unmatched.length === 0 && use.matched.has('TARGETPLATFORM') && use.text === globals.values.get('TARGETPLATFORM')) findings.push(finding('RedundantTargetPlatform', from, `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`));
  if (use.matched.size === 0 && use.unmatched.length === 0 && isUnsaid(use.text, from.name ?? '', host)) findings.push(finding('FromPlatformFlagConstDisallowed', from, `FROM --platform flag should not use constant value ${JSON.stringify(use.text)}`));
  return findings;
}

/** A stage whose name says what it is for may have a constant platform. */
function isUnsaid(platform: string, stageName: string, host: BuildRequest['buildPlatform']): boolean {
  try {
    const { os, architecture } = readPlatform(platform, host);
    return !stageName.includes(os) && !stageName.includes(architecture);
  } catch (error) {
    if (error instanceof DockerfileError) return false;
    throw error;
  }
}

function wrongPlatform({ from, base }: PlacedStage, images: BuildRequest['images']): readonly Finding[] {
  const config = base.kind === 'image' ? images.get(imageKey(base)) : undefined;
  if (base.kind !== 'image' || config === undefined || (config.os === base.platform.os && config.architecture === base.platform.architecture)) return [];
  return [finding('InvalidBaseImagePlatform', from, `Base image ${from.base} was pulled with platform ${JSON.stringify(formatPlatform(config))}, expected ${JSON.stringify(formatPlatform(base.platform))} for current build`)];
}
