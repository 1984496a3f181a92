// What the tests of this folder ask for: a build on amd64 where only estiva-test/busybox:1 is here.
import assert from 'node:assert/strict';
import { parseDockerfile } from '../spec/dockerfile/index.ts';
import type { ImageConfig } from '../spec/oci/image.ts';
import { analyze, type Analysis } from './analyze.ts';
import type { BuildRequest } from './request.ts';

export const amd64 = { os: 'linux', architecture: 'amd64' } as const;

export const busybox: ImageConfig = {
  ...amd64, config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] }, rootfs: { type: 'layers', diff_ids: [] },
  history: [{ created_by: 'fixture layer 0' }],
};

export function request(rest: Partial<BuildRequest> = {}): BuildRequest {
  return {
    buildArgs: new Map(), target: undefined, platform: amd64, buildPlatform: amd64, images: new Map([['docker.io/estiva-test/busybox:1 linux/amd64', busybox]]),
    isSignal: (word) => /^(SIG)?(HUP|INT|QUIT|KILL|TERM)$/.test(word), ...rest,
  };
}

/** What a Dockerfile without mistakes means. */
export function analyzed(text: string, rest: Partial<BuildRequest> = {}): Analysis & { readonly target: NonNullable<Analysis['target']> } {
  const { target, ...analysis } = analyze(parseDockerfile(text), request(rest), { allStages: false });
  assert.equal(analysis.failure, undefined);
  assert.ok(target !== undefined);
  return { ...analysis, target };
}
