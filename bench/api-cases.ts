// Speed through the API on the unix socket: what a program that drives the engine feels.
import type { BenchEngine } from './engines.ts';
import { image } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

export function apiCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const all = (subject: (engine: BenchEngine) => Promise<Subject>) => () => Promise.all(engines.map(subject));
  return [
    { name: 'api-whole', what: 'API: create + start + wait + remove, busybox true', promise: '<= 12 ms', unit: 'ms', runs: 50, warmUp: true, subjects: all(whole) },
    { name: 'api-start', what: 'API: start alone', promise: '<= 6 ms', unit: 'ms', runs: 50, warmUp: true, subjects: all(startAlone) },
    { name: 'api-exec', what: 'API: exec, create to the end of its output', promise: '<= 6 ms', unit: 'ms', runs: 50, warmUp: true, subjects: all(exec) },
  ];
}

async function whole(engine: BenchEngine): Promise<Subject> {
  return {
    name: engine.name,
    run: () => timed(async () => {
      const id = await engine.api.create(['true'], image);
      await engine.api.send('POST', `/containers/${id}/start`);
      await engine.api.send('POST', `/containers/${id}/wait`);
      await engine.api.send('DELETE', `/containers/${id}`);
    }),
  };
}

async function startAlone(engine: BenchEngine): Promise<Subject> {
  return {
    name: engine.name,
    run: async () => {
      const id = await engine.api.create(['true'], image);
      const ms = await timed(() => engine.api.send('POST', `/containers/${id}/start`));
      await engine.api.send('POST', `/containers/${id}/wait`);
      await engine.api.send('DELETE', `/containers/${id}`);
      return ms;
    },
  };
}

async function exec(engine: BenchEngine): Promise<Subject> {
  const container = await engine.api.create(['sleep', '100000'], image);
  await engine.api.send('POST', `/containers/${container}/start`);
  return {
    name: engine.name,
    run: () => timed(async () => {
      const made = await engine.api.send('POST', `/containers/${container}/exec`, { Cmd: ['true'], AttachStdout: true, AttachStderr: true });
      const { Id } = JSON.parse(made.text) as { Id: string };
      await engine.api.send('POST', `/exec/${Id}/start`, { Detach: false });
    }),
    close: async () => { await engine.api.send('DELETE', `/containers/${container}?force=1`); },
  };
}
