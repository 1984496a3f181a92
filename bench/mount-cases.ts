// Mounts: how much later a container starts that has a volume and three directories of the host.
import { image, type BenchEngine } from './engines.ts';
import { timed, type BenchCase, type Subject } from './measure.ts';

const mounts = { Binds: ['estiva-bench-volume:/data', '/etc:/a:ro', '/usr:/b', '/var:/c'] };

export function mountCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const subjects = (engine: BenchEngine): readonly Subject[] => [start(engine, 'bare', {}), start(engine, 'volume, 3 binds', mounts)];
  return [{
    name: 'mounts-start', what: 'API: start of true, with nothing mounted, and with one named volume and three binds', promise: '<= 1 ms later', unit: 'ms', runs: 40, warmUp: true,
    subjects: () => Promise.resolve(engines.flatMap(subjects)),
  }];
}

/** The start alone: what is made before and taken away after it is not counted. */
function start(engine: BenchEngine, name: string, hostConfig: object): Subject {
  return {
    name: `${engine.name}: ${name}`,
    run: async () => {
      const made = await engine.api.send('POST', '/containers/create', { Image: image, Cmd: ['true'], HostConfig: { NetworkMode: 'none', ...hostConfig } });
      const { Id } = JSON.parse(made.text) as { Id: string };
      const taken = await timed(() => engine.api.send('POST', `/containers/${Id}/start`));
      await engine.api.send('POST', `/containers/${Id}/wait`);
      await engine.api.send('DELETE', `/containers/${Id}`);
      return taken;
    },
  };
}
