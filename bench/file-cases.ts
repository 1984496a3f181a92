// Files of containers: a large tree in and out, and a commit of many small changes. Over the API, with one tar made before: what is measured is the
// engine, not a client that packs and unpacks.
import { randomBytes } from 'node:crypto';
import { tarHeader, writeTar, type TarMember } from '../src/spec/tar/index.ts';
import type { BenchEngine } from './engines.ts';
import { image } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

const tree = { files: 5_000, fileBytes: 100_000 };
const changes = { files: 10_000, fileBytes: 1_000 };
const filesInDirectory = 100;

export function fileCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const each = (subject: (engine: BenchEngine) => Promise<Subject>) => () => Promise.all(engines.map(subject));
  const common = { unit: 'ms', runs: 5, warmUp: true } as const;
  return [
    { name: 'cp-in', what: `API: a tar of ${tree.files} files, 500 MB, into a container`, promise: '>= 2 times faster than dockerd', ...common, subjects: each(copyIn) },
    { name: 'cp-out', what: `API: a directory of ${tree.files} files, 500 MB, out of a container`, promise: '>= 2 times faster than dockerd', ...common, subjects: each(copyOut) },
    { name: 'commit', what: `API: commit of a container with ${changes.files} new files of a kilobyte`, promise: '>= 2 times faster than dockerd', ...common, subjects: each(commit) },
  ];
}

/** Each copy goes into a container of its own. They are removed at the end: file systems make files slower while they remember what was just removed. */
async function copyIn(engine: BenchEngine): Promise<Subject> {
  const tar = await tarOf(tree);
  const made: string[] = [];
  return {
    name: engine.name,
    run: async () => {
      const id = await engine.api.create(['true'], image);
      made.push(id);
      return await timed(() => upload(engine, id, tar));
    },
    close: async () => { for (const id of made) await remove(engine, id); },
  };
}

async function copyOut(engine: BenchEngine): Promise<Subject> {
  const id = await filled(engine, tree);
  return { name: engine.name, run: () => timed(() => engine.api.drain('GET', `/containers/${id}/archive?path=/tmp`)), close: () => remove(engine, id) };
}

async function commit(engine: BenchEngine): Promise<Subject> {
  const id = await filled(engine, changes);
  return {
    name: engine.name,
    run: async () => {
      let made = '';
      const ms = await timed(async () => { made = (await engine.api.send('POST', `/commit?container=${id}`, {})).text; });
      await engine.api.send('DELETE', `/images/${(JSON.parse(made) as { Id: string }).Id}`);
      return ms;
    },
    close: () => remove(engine, id),
  };
}

async function filled(engine: BenchEngine, sizes: typeof tree): Promise<string> {
  const id = await engine.api.create(['true'], image);
  await upload(engine, id, await tarOf(sizes));
  return id;
}

export async function upload(engine: BenchEngine, id: string, tar: Buffer): Promise<void> {
  await engine.api.upload('PUT', `/containers/${id}/archive?path=/tmp`, tar);
}

async function remove(engine: BenchEngine, id: string): Promise<void> {
  await engine.api.send('DELETE', `/containers/${id}?force=1`);
}

export async function tarOf({ files, fileBytes }: typeof tree): Promise<Buffer> {
  const content = randomBytes(fileBytes);
  const mtimeSeconds = 1_700_000_000;
  const members: TarMember[] = [];
  for (let n = 0; n < files; n++) {
    const directory = `tree/${Math.floor(n / filesInDirectory)}`;
    if (n % filesInDirectory === 0) members.push({ header: tarHeader({ type: 'directory', path: `${directory}/`, mtimeSeconds }) });
    members.push({ header: tarHeader({ type: 'file', path: `${directory}/${n}`, sizeBytes: fileBytes, mtimeSeconds }), data: [content] });
  }
  return Buffer.concat(await Array.fromAsync(writeTar(members)));
}
