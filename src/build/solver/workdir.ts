// WORKDIR: the directory is made when it is not there.
import { defaultShell } from '../../spec/dockerfile/index.ts';
import { posix } from 'node:path';
import { formatHeader } from '../../spec/tar/index.ts';
import type { Step } from '../step.ts';
import { directoriesTo, findPlace } from './place.ts';
import type { BuildState } from './state.ts';
import { nowSecondsOf, type MadeLayer, type StepRoom, type Work } from './work.ts';

export function workdirWork({ shell = defaultShell }: Pick<Step, 'shell'>, path: string, state: BuildState, room: StepRoom): Work {
  const absolute = posix.resolve('/', state.config.WorkingDir ?? '', path);
  return {
    keyParts: ['WORKDIR', absolute, room.options.epochSeconds], createdBy: `${shell.join(' ')} #(nop) WORKDIR ${absolute}`, config: { ...state.config, WorkingDir: absolute },
    make: (during) => makeDirectory(absolute, state, during),
  };
}

async function makeDirectory(absolute: string, { layers }: BuildState, { storage: { snapshots }, options, signal }: StepRoom): Promise<MadeLayer | undefined> {
  using root = snapshots.openFiles(layers);
  const place = findPlace(root, absolute);
  if (place.existing === place.parts.length) return undefined;
  const headers = directoriesTo(root, place, { owner: { uid: 0, gid: 0 }, seconds: nowSecondsOf(options) });
  return await snapshots.unpack(one(Buffer.concat([...headers.map(formatHeader), Buffer.alloc(1024)])), { signal });
}

// eslint-disable-next-line typescript/require-await -- a stream of one piece
async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
