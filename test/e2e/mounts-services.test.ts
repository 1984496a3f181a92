// Data that stays: postgres, redis and sqlite of Debian with their files in volumes. What they have acknowledged is there after rm, restart and kill -9, of
// the container and (ours) of the daemon and the supervisor at once.
import { after, test } from 'node:test';
import { debianServices } from '../fixtures/debian.ts';
import { openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const archive = await debianServices();
const skip = archive === undefined ? 'needs mmdebstrap' : false;
const image = engine.unique('stores');
const volumes = { postgres: engine.unique('pg'), redis: engine.unique('rd'), sqlite: engine.unique('sq') } as const;
after(async () => {
  await engine.docker(['volume', 'rm', '-f', ...Object.values(volumes)]);
  await engine.docker(['rmi', '-f', image], { timeoutMs: 60_000 });
});
if (skip === false) succeeded(await engine.docker(['import', archive!, image], { timeoutMs: 120_000 }));
const ok = async (...args: string[]): Promise<string> => succeeded(await engine.docker(args, { timeoutMs: 60_000 }));

interface Store {
  readonly flags: readonly string[];
  readonly program: string;
  /** Writes a value, and says so once it is safe. */
  readonly write: (value: number) => string;
  readonly sum: string;
}

const psql = '$(echo /usr/lib/postgresql/*/bin)/psql -h /tmp -U postgres -Atqc';
const stores: Readonly<Record<keyof typeof volumes, Store>> = {
  postgres: {
    flags: ['--user', 'postgres', '-v', `${volumes.postgres}:/tmp/data`],
    program: 'bin=$(echo /usr/lib/postgresql/*/bin); test -e /tmp/data/db/PG_VERSION || $bin/initdb -A trust -D /tmp/data/db > /dev/null; exec $bin/postgres -c jit=off -D /tmp/data/db -k /tmp',
    write: (value) => `${psql} 'create table if not exists t (v int)' && ${psql} 'insert into t values (${value})'`,
    sum: `${psql} 'select coalesce(sum(v), 0) from t'`,
  },
  redis: {
    flags: ['-v', `${volumes.redis}:/data`],
    program: 'exec redis-server --dir /data --appendonly yes --appendfsync always --save ""',
    write: (value) => `redis-cli incrby t ${value}`,
    sum: 'redis-cli get t',
  },
  sqlite: {
    flags: ['-v', `${volumes.sqlite}:/data`],
    program: 'exec sleep 600',
    write: (value) => `sqlite3 /data/db "pragma journal_mode=wal; create table if not exists t (v int); insert into t values (${value})"`,
    sum: 'sqlite3 /data/db "select coalesce(sum(v), 0) from t"',
  },
};

async function begin(name: string, { flags, program }: Store): Promise<string> {
  return (await ok('run', '-d', '--network', 'none', '--name', name, ...flags, image, 'sh', '-c', program)).trim();
}

for (const [kind, store] of Object.entries(stores)) {
  test(`${kind}: what was acknowledged outlives rm, restart and kill -9`, { skip }, async () => {
    const name = engine.unique(kind);
    const does = (line: string) => engine.docker(['exec', name, 'sh', '-c', line]);
    const writes = async (value: number): Promise<void> => { await until(`${kind} writes ${value}`, async () => (await does(store.write(value))).code === 0, 30_000); };
    const holds = async (sum: number, when: string): Promise<void> => { await until(`${kind} has ${sum} after ${when}`, async () => (await does(store.sum)).stdout.trim() === String(sum), 30_000); };
    if (kind === 'postgres') succeeded(await engine.run(['--rm', ...store.flags, '--user', 'root', image, 'sh', '-c', 'chown postgres /tmp/data']));
    try {
      await begin(name, store);
      await writes(1);
      await ok('rm', '-f', name);
      await begin(name, store);
      await holds(1, 'rm');
      await writes(10);
      await ok('kill', '-s', 'KILL', name);
      await ok('start', name);
      await holds(11, 'kill -9');
      await writes(100);
      if (engine.daemon === undefined) await ok('restart', '-t', '1', name);
      else {
        process.kill(engine.daemon.supervisorPid!, 'SIGKILL');
        await engine.daemon.crash();
        await engine.daemon.start();
        await ok('start', name);
      }
      await holds(111, 'the death of everything');
    } finally {
      await engine.docker(['rm', '-f', name]);
    }
  });
}
