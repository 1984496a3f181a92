// Watching: a long list, many idle event streams, statistics of many containers.
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchEngine } from './engines.ts';
import { image, memoryOf } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

const listed = 1000;
const streams = 2000;
const statsSeconds = 10;

export function watchCases(engines: readonly BenchEngine[], sizes: { readonly watched: number }): readonly BenchCase[] {
  const each = (subjects: (engine: BenchEngine) => Promise<Subject>) => () => Promise.all(engines.map(subjects));
  return [
    { name: 'ps-1000', what: `API: the list of ${listed} created containers`, promise: '<= 15 ms', unit: 'ms', runs: 20, warmUp: true, subjects: each(list) },
    { name: 'events-idle', what: `growth of the daemon for an idle event stream, over ${streams}`, promise: '<= 8 kB', unit: 'kB', runs: 3, warmUp: true, subjects: each((engine) => Promise.resolve(idleStreams(engine))) },
    { name: 'stats', what: `processor time of the daemon in a second, statistics of ${sizes.watched} containers streamed`, promise: '<= 80 ms for 500', unit: 'ms', runs: 1, warmUp: false, subjects: each(statistics) },
  ];

  async function statistics(engine: BenchEngine): Promise<Subject> {
    const ids: string[] = [];
    while (ids.length < sizes.watched) {
      const id = await engine.api.create(['sleep', '100000'], image);
      await engine.api.send('POST', `/containers/${id}/start`);
      ids.push(id);
    }
    return { name: engine.name, run: () => watchAll(engine, ids), close: () => removeAll(engine, ids) };
  }
}

async function list(engine: BenchEngine): Promise<Subject> {
  const ids: string[] = [];
  while (ids.length < listed) ids.push(await engine.api.create(['true'], image));
  return { name: engine.name, run: () => timed(() => engine.api.send('GET', '/containers/json?all=1')), close: () => removeAll(engine, ids) };
}

async function removeAll(engine: BenchEngine, ids: readonly string[]): Promise<void> {
  for (const id of ids) await engine.api.send('DELETE', `/containers/${id}?force=1`);
}

/** After a first round the daemon's heap has its size: the warm-up is not counted. */
function idleStreams(engine: BenchEngine): Subject {
  return {
    name: engine.name,
    run: async () => {
      const daemon = engine.processes().slice(0, 1);
      const before = memoryOf(daemon).rss;
      const held: Socket[] = [];
      while (held.length < streams) held.push(await openStream(engine));
      await sleep(1_000);
      const after = memoryOf(daemon).rss;
      for (const socket of held) socket.destroy();
      await sleep(1_000);
      return (after - before) / streams;
    },
  };
}

function openStream({ socketPath }: BenchEngine): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () => socket.write('GET /v1.51/events HTTP/1.1\r\nHost: docker\r\n\r\n'));
    socket.once('data', () => { resolve(socket); });
    socket.once('error', reject);
  });
}

async function watchAll(engine: BenchEngine, ids: readonly string[]): Promise<number> {
  const responses = await Promise.all(ids.map((id) => new Promise<IncomingMessage>((resolve, reject) => {
    get({ socketPath: engine.socketPath, agent: false, path: `/containers/${id}/stats` }, (response) => { resolve(response.resume()); }).on('error', reject);
  })));
  await sleep(3_000);
  const before = processorMs(engine);
  await sleep(statsSeconds * 1_000);
  const spent = processorMs(engine) - before;
  for (const response of responses) response.destroy();
  return spent / statsSeconds;
}

function processorMs(engine: BenchEngine): number {
  return engine.processes().reduce((total, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
    return total + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}
