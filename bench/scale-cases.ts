// Memory, many containers, much output: what does not show in a single short run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { census, leaked } from '../test/e2e/census.ts';
import { dockerClient } from '../test/e2e/engine.ts';
import { hijack } from '../test/e2e/http.ts';
import type { BenchEngine } from './engines.ts';
import { image, memoryOf } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

const outputBytes = 200_000_000;

export interface ScaleSizes {
  readonly idle: number;
  readonly many: number;
}

export function scaleCases(engines: readonly BenchEngine[], sizes: ScaleSizes): readonly BenchCase[] {
  const once = { runs: 1, warmUp: false } as const;
  const each = (subjects: (engine: BenchEngine) => readonly Subject[]) => () => Promise.resolve(engines.flatMap(subjects));
  return [
    { name: 'memory-idle', what: 'memory of the idle engine\'s processes', promise: '<= 120 MB', unit: 'MB', ...once, subjects: each(idleMemory) },
    { name: 'memory-container', what: `growth of the engine's processes for a running container, over ${sizes.idle}`, promise: '<= 200 kB', unit: 'kB', ...once, subjects: each((engine) => containerMemory(engine, sizes.idle)) },
    { name: 'many', what: `${sizes.many} containers created and started one after the other, by fifths, then removed`, promise: 'no slowdown, nothing left', unit: 's', ...once, subjects: each((engine) => many(engine, sizes.many)) },
    { name: 'output', what: '200 MB of stdout (a file of lines of 100 bytes): json-file log and a client attached over the API', promise: '>= 10 times faster than dockerd', unit: 's', runs: 3, warmUp: false, subjects: each(output) },
    { name: 'output-docker', what: '200 MB of stdout through docker run, the making of the text included', promise: '>= 10 times faster than dockerd', unit: 's', runs: 3, warmUp: false, subjects: each(outputOfClient) },
  ];
}

function idleMemory(engine: BenchEngine): Subject[] {
  const megabytes = (kind: 'pss' | 'rss'): Subject => ({ name: `${engine.name} ${kind.toUpperCase()}`, run: async () => memoryOf(engine.processes())[kind] / 1_000 });
  return [megabytes('pss'), megabytes('rss')];
}

function containerMemory(engine: BenchEngine, count: number): Subject[] {
  let measured: Promise<{ readonly pss: number; readonly rss: number }> | undefined;
  const once = () => measured ??= growth(engine, count);
  return [{ name: `${engine.name} PSS`, run: async () => (await once()).pss }, { name: `${engine.name} RSS`, run: async () => (await once()).rss }];
}

async function growth(engine: BenchEngine, count: number): Promise<{ readonly pss: number; readonly rss: number }> {
  // Two containers first, so that what is loaded once is not counted to each.
  const first = await startMany(engine, 2);
  await sleep(2_000);
  const before = memoryOf(engine.processes());
  const ids = await startMany(engine, count);
  await sleep(3_000);
  const after = memoryOf(engine.processes());
  await removeAll(engine, [...first, ...ids]);
  return { pss: (after.pss - before.pss) / count, rss: (after.rss - before.rss) / count };
}

async function startOne(engine: BenchEngine): Promise<string> {
  const id = await engine.api.create(['sleep', '100000'], image);
  await engine.api.send('POST', `/containers/${id}/start`);
  return id;
}

async function startMany(engine: BenchEngine, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(await startOne(engine));
  return ids;
}

async function removeAll(engine: BenchEngine, ids: readonly string[]): Promise<void> {
  for (const id of ids) await engine.api.send('DELETE', `/containers/${id}?force=1`);
}

/** The fifths are subjects of their own so that a slowdown shows in the table; they run in order. */
function many(engine: BenchEngine, count: number): Subject[] {
  const before = census();
  const ids: string[] = [];
  const fifth = (number: number): Subject => ({
    name: `${engine.name} fifth ${number}`,
    run: async () => await timed(async () => { ids.push(...await startMany(engine, Math.floor(count / 5))); }) / 1_000,
  });
  const removal: Subject = {
    name: `${engine.name} removal`,
    run: async () => {
      const seconds = await timed(() => removeAll(engine, ids)) / 1_000;
      await sleep(1_000);
      const left = leaked(before).filter((line) => ids.some((id) => line.includes(id.slice(0, 12))));
      console.log(`  ${engine.name}: ${ids.length} containers removed, ${left.length} things left over`);
      for (const line of left.slice(0, 5)) console.log(`    ${line}`);
      return seconds;
    },
  };
  return [...[1, 2, 3, 4, 5].map(fifth), removal];
}

const line = 'x'.repeat(99);
const flood = `yes ${line} | head -c ${outputBytes}`;
/** The file is there before the clock runs: making the text costs more than a second of processor time, which is not the engine's. */
const prepared = `${flood} >/flood; echo ready; read go; exec cat /flood`;

function output(engine: BenchEngine): Subject[] {
  return withPeak(engine, async () => {
    const { text } = await engine.api.send('POST', '/containers/create', { Image: image, Cmd: ['sh', '-c', prepared], OpenStdin: true, StdinOnce: true, HostConfig: { NetworkMode: 'none' } });
    const { Id } = JSON.parse(text) as { Id: string };
    const { socket } = await hijack(engine.socketPath, `/containers/${Id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    let bytes = 0;
    const ready = Promise.withResolvers<void>();
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      ready.resolve();
    });
    await engine.api.send('POST', `/containers/${Id}/start`);
    await ready.promise;
    await sleep(200);
    bytes = 0;
    const ms = await timed(async () => {
      socket.write('go\n');
      await once(socket, 'end');
      await engine.api.send('POST', `/containers/${Id}/wait`);
    });
    socket.destroy();
    await engine.api.send('DELETE', `/containers/${Id}?force=1`);
    if (bytes < outputBytes) console.log(`  ${engine.name}: ${outputBytes - bytes} bytes did not come`);
    return ms;
  });
}

function outputOfClient(engine: BenchEngine): Subject[] {
  return withPeak(engine, () => timed(async () => {
    // Straight to /dev/null: a reader of ours would be measured too. That every byte comes is what the case before looks at.
    const client = spawn(dockerClient(), ['run', '--rm', '--network', 'none', image, 'sh', '-c', flood], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DOCKER_HOST: `unix://${engine.socketPath}` } });
    const [code] = await once(client, 'close') as [number | null];
    if (code !== 0) throw new Error(`${engine.name}: docker run ended with ${code}`);
  }));
}

/** The time, and beside it the daemon's peak of resident memory, printed because it is no time. */
function withPeak(engine: BenchEngine, work: () => Promise<number>): Subject[] {
  return [{
    name: engine.name,
    run: async () => {
      const [daemon] = engine.processes();
      if (daemon !== undefined) writeFileSync(`/proc/${daemon}/clear_refs`, '5');
      const seconds = await work() / 1_000;
      if (daemon !== undefined) console.log(`  ${engine.name}: ${seconds.toFixed(2)} s, peak RSS of the daemon ${peakMegabytes(daemon).toFixed(0)} MB`);
      return seconds;
    },
  }];
}

function peakMegabytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_000;
}
