// Builds of this engine: what a Dockerfile means, with the images that are here.
import type { Building } from './building.ts';
import { check, outline, targets, type CheckRequest } from '../build/index.ts';
import { isFail } from '../base/index.ts';
import type { Images } from '../image/index.ts';
import { signalNumber } from '../kernel/index.ts';
import type { BuildCall, BuildFile, CheckResult, OutlineResult, TargetsResult } from '../spec/estiva/build-check.ts';
import type { ImageConfig, Platform } from '../spec/oci/image.ts';
import { hostPlatform } from '../spec/oci/platform.ts';

export interface BuildLook {
  readonly call: BuildCall;
  readonly dockerfile: BuildFile;
  readonly ignoreFile: BuildFile | undefined;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly target: string | undefined;
  /** Undefined: this machine's. */
  readonly platform: Platform | undefined;
}

export interface Builds extends Building {
  /** Looks at a Dockerfile and builds nothing. Mistakes are in the result, with their lines. */
  look(request: BuildLook): CheckResult | OutlineResult | TargetsResult;
}

export function openBuilds(images: Pick<Images, 'get'>, building: Building): Builds {
  const findImage = (reference: string, platform: Platform): ImageConfig | undefined => configOf(images, reference, platform);
  return {
    ...building,
    look: ({ call, platform, ...rest }) => {
      const buildPlatform = plainPlatform();
      const request: CheckRequest = { ...rest, platform: platform ?? buildPlatform, buildPlatform, isSignal: (word) => signalNumber(word) !== undefined };
      if (call === 'targets') return targets(request);
      return call === 'outline' ? outline(request, findImage) : check(request, findImage);
    },
  };
}

/** In Dockerfiles, linux/arm64 goes without its only variant. */
export function plainPlatform(): Platform {
  const { os, architecture } = hostPlatform();
  return { os, architecture };
}

/** An image for another platform is better than none: lint says that it is. */
function configOf(images: Pick<Images, 'get'>, reference: string, platform: Platform): ImageConfig | undefined {
  for (const wanted of [platform, undefined]) {
    try {
      return images.get(reference, wanted).config;
    } catch (error) {
      if (!isFail(error, 'not_found')) throw error;
    }
  }
  return undefined;
}
