// Images: a pull from a registry on loopback, again, save and load; the list of a thousand. The image is image-fixture.ts's; without its tools the first
// four have no subjects.
import { execFile } from 'node:child_process';
import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDockerRegistry, type DockerRegistry } from '../test/fixtures/docker-registry.ts';
import { tar } from '../test/fixtures/tar.ts';
import type { BenchEngine } from './engines.ts';
import { imageFixture, type ImageFixture } from './image-fixture.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

const run = promisify(execFile);
const many = 1000;

export function imageCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const slow = { runs: 3, warmUp: false, unit: 's' } as const;
  return [
    { name: 'pull', what: 'pull of 8 layers, 285 MB, 27,000 entries, from a registry on loopback', promise: '<= 1/2.5 of dockerd, <= 1.4 of gzip | tar, two at a time', ...slow, subjects: () => withImage(engines, pullSubject, [tarSubject]) },
    { name: 'pull-again', what: 'the same image once more, through the API', promise: '<= 30 ms', unit: 'ms', runs: 20, warmUp: true, subjects: () => withImage(engines, againSubject, []) },
    { name: 'save', what: 'save of that image', promise: '<= 1/3 of dockerd', ...slow, subjects: () => withImage(engines, saveSubject, []) },
    { name: 'load', what: 'load of what save wrote', promise: '<= 1/3 of dockerd', ...slow, subjects: () => withImage(engines, loadSubject, []) },
    { name: 'images', what: `the list of ${many} images, through the API`, promise: '<= 20 ms', unit: 'ms', runs: 20, warmUp: true, subjects: () => Promise.all(engines.map(listSubject)) },
  ];
}

interface Place {
  readonly engine: BenchEngine;
  readonly name: string;
  close(): Promise<void>;
}

async function withImage(engines: readonly BenchEngine[], subject: (place: Place) => Subject, others: readonly ((image: ImageFixture) => Subject)[]): Promise<readonly Subject[]> {
  const image = await imageFixture();
  if (image === undefined) return [];
  const subjects: Subject[] = [];
  for (const engine of engines) {
    const place = await placeOf(engine, image);
    subjects.push({ close: () => place.close(), ...subject(place) });
  }
  return [...subjects, ...others.map((other) => other(image))];
}

/** A registry where the engine reaches it, with the image in it. */
async function placeOf(engine: BenchEngine, { layout }: ImageFixture): Promise<Place> {
  const [pid] = engine.processes();
  const netns = pid === undefined || readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net') ? undefined : `/proc/${pid}/ns/net`;
  const registry: DockerRegistry = await openDockerRegistry({ netns });
  const name = `${registry.host}/bench:1`;
  const copy = ['skopeo', 'copy', '-q', '--preserve-digests', '--dest-tls-verify=false', `oci:${layout}:1`, `docker://${name}`];
  const [program, ...args] = netns === undefined ? copy : ['nsenter', `--net=${netns}`, ...copy];
  await run(program!, args, { maxBuffer: 1 << 20 });
  return { engine, name, close: async () => { await remove(engine, name); await registry[Symbol.asyncDispose](); } };
}

async function remove(engine: BenchEngine, name: string): Promise<void> {
  await engine.api.send('DELETE', `/images/${name}?force=1`, undefined, [200, 404]);
}

async function pull({ engine, name }: Place): Promise<void> {
  const { text } = await engine.api.send('POST', `/images/create?fromImage=${name.replace(/:1$/, '')}&tag=1`);
  if (text.includes('"error"')) throw new Error(`${engine.name}: ${text.slice(-300)}`);
}

function pullSubject(place: Place): Subject {
  return {
    name: place.engine.name,
    run: async () => {
      await remove(place.engine, place.name);
      await run('sync', []);
      return await timed(() => pull(place)) / 1000;
    },
  };
}

function againSubject(place: Place): Subject {
  let first: Promise<void> | undefined;
  return { name: place.engine.name, run: async () => { await (first ??= pull(place)); return timed(() => pull(place)); } };
}

function saveSubject(place: Place): Subject {
  let first: Promise<void> | undefined;
  return { name: place.engine.name, run: async () => { await (first ??= pull(place)); return await timed(async () => { await place.engine.api.drain('GET', `/images/${place.name}/get`); }) / 1000; } };
}

function loadSubject(place: Place): Subject {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-bench-load-'));
  const file = join(dir, 'image.tar');
  const docker = async (args: readonly string[]): Promise<void> => {
    const { code, stderr } = await place.engine.docker(args);
    if (code !== 0) throw new Error(`${place.engine.name}: ${stderr}`);
  };
  let saved: Promise<void> | undefined;
  const save = async (): Promise<void> => { await pull(place); await docker(['save', '-o', file, place.name]); };
  return {
    name: place.engine.name,
    run: async () => {
      await (saved ??= save());
      await remove(place.engine, place.name);
      await run('sync', []);
      return await timed(() => docker(['load', '-q', '-i', file])) / 1000;
    },
    close: async () => { rmSync(dir, { recursive: true, force: true }); await place.close(); },
  };
}

/** The same layers with the tools that everybody has: the measure of what the disk and gzip take. */
function tarSubject({ blobs }: ImageFixture): Subject {
  return {
    name: 'gzip | tar',
    run: async () => {
      const dir = mkdtempSync(join(tmpdir(), 'estiva-bench-tar-'));
      const script = join(dir, 'unpack');
      writeFileSync(script, 'mkdir "$1.d" && gzip -dc "$2" | tar -x -C "$1.d"');
      try {
        await run('sync', []);
        return await timed(() => run('sh', ['-c', 'n=0; for blob; do n=$((n+1)); printf "%s %s\\0" "$0/$n" "$blob"; done | xargs -0 -P2 -I@ sh -c "sh $0/unpack @"', dir, ...blobs])) / 1000;
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}

async function listSubject(engine: BenchEngine): Promise<Subject> {
  const names: string[] = [];
  const fill = async (): Promise<void> => {
    for (let number = 0; number < many; number++) {
      const name = `estiva-bench/many:${number}`;
      await engine.api.upload('POST', `/images/create?fromSrc=-&repo=estiva-bench/many&tag=${number}`, tar([{ path: 'file', data: String(number) }]));
      names.push(name);
    }
  };
  let filled: Promise<void> | undefined;
  return {
    name: engine.name,
    run: async () => { await (filled ??= fill()); return timed(() => engine.api.send('GET', '/images/json')); },
    close: async () => { for (const name of names) await remove(engine, name); },
  };
}
