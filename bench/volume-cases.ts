// Volumes: made and removed, filled with what an image has, cloned. A dockerd has no clones: `cp -a` stands beside ours.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tarOf, upload } from './file-cases.ts';
import type { BenchEngine } from './engines.ts';
import { image } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

const filled = { files: 10_000, fileBytes: 1_000 };
const clonedBytes = 1 << 30;
const pieceBytes = 64 << 20;

export function volumeCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const each = (subject: (engine: BenchEngine) => Promise<Subject>) => () => Promise.all(engines.map(subject));
  return [
    { name: 'volume', what: 'API: a volume is created and removed', promise: '<= 3 ms', unit: 'ms', runs: 50, warmUp: true, subjects: each(createAndRemove) },
    { name: 'copy-up', what: `API: create of a container whose new volume takes ${filled.files} files of the image`, promise: '>= 2 times faster than dockerd', unit: 'ms', runs: 5, warmUp: true, subjects: each(copyUp) },
    { name: 'clone', what: 'API: clone of a volume of 1 GB; beside it cp -a', promise: 'as fast as the file system copies; <= 50 ms where it shares blocks', unit: 'ms', runs: 3, warmUp: true, subjects: () => clones(engines) },
  ];
}

async function createAndRemove({ name, api }: BenchEngine): Promise<Subject> {
  return {
    name,
    run: () => timed(async () => {
      await api.send('POST', '/volumes/create', { Name: 'bench-volume' });
      await api.send('DELETE', '/volumes/bench-volume');
    }),
    close: async () => undefined,
  };
}

/** The volumes are removed at the end: file systems make files slower while they remember what was just removed. */
async function copyUp(engine: BenchEngine): Promise<Subject> {
  const { name, api } = engine;
  const source = await api.create(['true'], image);
  await upload(engine, source, await tarOf(filled));
  const { Id } = JSON.parse((await api.send('POST', `/commit?container=${source}`, {})).text) as { Id: string };
  const made: string[] = [];
  return {
    name,
    run: async () => {
      const volume = `bench-copy-up-${made.length}`;
      let id = '';
      const ms = await timed(async () => { id = (JSON.parse((await api.send('POST', '/containers/create', { Image: Id, Cmd: ['true'], HostConfig: { NetworkMode: 'none', Binds: [`${volume}:/tmp/tree`] } })).text) as { Id: string }).Id; });
      await api.send('DELETE', `/containers/${id}`);
      made.push(volume);
      return ms;
    },
    close: async () => {
      for (const volume of made) await api.send('DELETE', `/volumes/${volume}`);
      await api.send('DELETE', `/containers/${source}`);
      await api.send('DELETE', `/images/${Id}`);
    },
  };
}

async function clones(engines: readonly BenchEngine[]): Promise<readonly Subject[]> {
  const engine = engines.find(({ ours }) => ours);
  if (engine === undefined) return [];
  const { api, name } = engine;
  await api.send('POST', '/volumes/create', { Name: 'bench-clone' });
  const { Mountpoint } = JSON.parse((await api.send('GET', '/volumes/bench-clone')).text) as { Mountpoint: string };
  for (let at = 0; at < clonedBytes; at += pieceBytes) writeFileSync(`${Mountpoint}/${at}`, randomBytes(pieceBytes));
  return [
    {
      name,
      run: async () => {
        const ms = await timed(() => api.send('POST', '/volumes/bench-clone/estiva/clone?to=bench-cloned'));
        await api.send('DELETE', '/volumes/bench-cloned');
        return ms;
      },
      close: async () => { await api.send('DELETE', '/volumes/bench-clone'); },
    },
    {
      name: 'cp -a',
      run: async () => {
        const ms = await timed(async () => execFileSync('cp', ['-a', Mountpoint, `${Mountpoint}.copy`]));
        rmSync(`${Mountpoint}.copy`, { recursive: true });
        return ms;
      },
      close: async () => undefined,
    },
  ];
}
