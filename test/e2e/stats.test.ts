// What a container uses, and its processes: GET /stats in all its ways, and the docker client's stats and top.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';
import { stream } from './http.ts';

const engine = await openEngine();

interface Cpu { readonly cpu_usage: { readonly total_usage: number; readonly usage_in_usermode: number }; readonly system_cpu_usage?: number; readonly online_cpus?: number }
interface Stats {
  readonly name: string; readonly id: string; readonly read: string; readonly preread: string;
  readonly pids_stats: { readonly current?: number; readonly limit?: number };
  readonly blkio_stats: Readonly<Record<string, unknown>>;
  readonly cpu_stats: Cpu; readonly precpu_stats: Cpu;
  readonly memory_stats: { readonly usage?: number; readonly limit?: number; readonly stats?: Readonly<Record<string, number>> };
  readonly networks?: unknown;
}
const statsOf = async (id: string, query: string): Promise<Stats> => {
  const answer = await engine.http('GET', `/containers/${id}/stats?${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json() as Stats;
};
const zero = '0001-01-01T00:00:00Z';
const percent = ({ cpu_stats: now, precpu_stats: before }: Stats): number => (now.cpu_usage.total_usage - before.cpu_usage.total_usage) / (now.system_cpu_usage! - before.system_cpu_usage!) * now.online_cpus! * 100;

const busyName = engine.unique('busy');
const busy = await engine.start(['--name', busyName, '--cpus', '0.4', '-m', '64m', '--pids-limit', '50', busybox, 'sh', '-c', 'while :; do :; done']);
await sleep(300);

test('stats, once, with the look before: what a busy container uses', async () => {
  const stats = await statsOf(busy, 'stream=0');
  assert.deepEqual([stats.name, stats.id, stats.pids_stats.limit, stats.memory_stats.limit], [`/${busyName}`, busy, 50, 64 << 20]);
  assert.ok(stats.pids_stats.current! >= 1 && stats.memory_stats.usage! > 0 && stats.memory_stats.usage! < 64 << 20);
  assert.ok(Object.keys(stats.memory_stats.stats!).length > 10);
  assert.ok(Date.parse(stats.read) - Date.parse(stats.preread) >= 900);
  // Others share the machine: it gets a part of one processor, never more than all of one.
  assert.ok(percent(stats) > 5 && percent(stats) < 120, String(percent(stats)));
  assert.equal(stats.networks, undefined);
});

test('stats, once, at once: one-shot has no look before', async () => {
  const began = performance.now();
  const stats = await statsOf(busy, 'stream=0&one-shot=1');
  assert.ok(performance.now() - began < 900);
  assert.deepEqual([stats.preread, stats.precpu_stats.cpu_usage.total_usage], [zero, 0]);
  assert.ok(stats.cpu_stats.cpu_usage.total_usage > 0);
});

test('stats as a stream: a line each second, for several clients alike; zeros once the container has ended; the end when it is removed', async () => {
  const id = await engine.start([busybox, 'sleep', '1000']);
  const [one, two] = [await stream(engine.socketPath, 'GET', `/containers/${id}/stats`), await stream(engine.socketPath, 'GET', `/containers/${id}/stats?stream=1`)];
  const linesOf = (response: typeof one): Stats[] => {
    const lines: Stats[] = [];
    response.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Stats)));
    return lines;
  };
  const [first, second] = [linesOf(one), linesOf(two)];
  await until('two lines each', () => first.length >= 2 && second.length >= 2);
  assert.ok(first[1]!.precpu_stats.cpu_usage.total_usage > 0);
  assert.ok(percent(first[1]!) < 50);
  await engine.http('POST', `/containers/${id}/kill`);
  await until('zeros', () => first.at(-1)!.read === zero);
  assert.deepEqual([first.at(-1)!.memory_stats, first.at(-1)!.pids_stats], [{}, {}]);
  const ended = new Promise((resolve) => one.once('end', resolve));
  await engine.http('DELETE', `/containers/${id}`);
  if (engine.ours) await ended; // dockerd's stream stays silent
  one.destroy();
  two.destroy();
});

test('stats of a container that does not run are zeros in Docker\'s shape', async () => {
  const id = await engine.create({ Cmd: ['true'] });
  const { name: _, ...stats } = await statsOf(id, 'stream=0');
  const usage = { cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 }, throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 } };
  const blkio = Object.fromEntries(['io_service_bytes', 'io_serviced', 'io_queue', 'io_service_time', 'io_wait_time', 'io_merged', 'io_time'].map((key) => [`${key}_recursive`, null]));
  assert.deepEqual(stats, { id, read: zero, preread: zero, pids_stats: {}, blkio_stats: { ...blkio, sectors_recursive: null }, num_procs: 0, storage_stats: {}, cpu_stats: usage, precpu_stats: usage, memory_stats: {} });
});

test('stats refuses what makes no sense', async () => {
  assert.deepEqual([(await engine.http('GET', '/containers/no-such-one/stats')).status, (await engine.http('GET', `/containers/${busy}/stats?one-shot=1`)).status], [404, 400]);
});

test('the client\'s stats, once: columns with what was used', async () => {
  const idle = await engine.create({ Cmd: ['true'] });
  const table = succeeded(await engine.docker(['stats', '--no-stream', busy])).split('\u001B[').map((part, index) => (index === 0 ? part : part.replace(/^[0-9;]*[A-Za-z]/, ''))).join(''); // Docker's client clears the screen first
  assert.match(table, new RegExp(`CONTAINER ID\\s+NAME\\s+CPU %\\s+MEM USAGE / LIMIT\\s+MEM %\\s+NET I/O\\s+BLOCK I/O\\s+PIDS\\s*\\n${busy.slice(0, 12)}\\s+${busyName}\\s+[1-9][\\d.]*%\\s+[\\d.]+[KM]iB / 64MiB\\s+[\\d.]+%\\s+0B / 0B\\s+[\\d.]+\\w?B / [\\d.]+\\w?B\\s+\\d+\\s*\\n`));
  const line = succeeded(await engine.docker(['stats', '--no-stream', '--no-trunc', '--format', '{{.ID}} {{.Name}} {{.PIDs}}', busy, idle]));
  assert.match(line, new RegExp(`^${busy} ${busyName} \\d+\\n${idle} \\w+ 0\\n$`));
  const unknown = await engine.docker(['stats', '--no-stream', 'no-such-one']);
  assert.deepEqual([unknown.code, /No such container: no-such-one/.test(unknown.stderr)], [1, true]);
});

const hasPs = (await engine.http('GET', `/containers/${busy}/top`)).status === 200;

test('top: the processes of a container, execs among them, with ps\'s default and other arguments', { skip: hasPs ? false : 'this dockerd finds no ps' }, async () => {
  await engine.docker(['exec', '-d', busy, 'sleep', '1234']);
  const top = async (query = ''): Promise<{ readonly Titles: readonly string[]; readonly Processes: readonly (readonly string[])[] }> => (await engine.http('GET', `/containers/${busy}/top${query}`)).json() as never;
  await until('the exec is there', async () => (await top()).Processes.length >= 2);
  const { Titles, Processes } = await top();
  assert.deepEqual(Titles, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  assert.deepEqual(Processes.map((cells) => cells.at(-1)!).toSorted(), ['sh -c while :; do :; done', 'sleep 1234']);
  assert.ok(Processes.every((cells) => cells.length === 8));
  assert.deepEqual((await top('?ps_args=-o%20pid,comm')).Titles, ['PID', 'COMMAND']);
  assert.equal((await top('?ps_args=aux')).Titles[0], 'USER');
  assert.match(succeeded(await engine.docker(['top', busy])), /^UID\s+PID\s+PPID .*\n[\s\S]*sleep 1234/);
  assert.match(succeeded(await engine.docker(['top', busy, '-o', 'pid,args'])), /^PID\s+COMMAND\n/);
  for (const query of ['?ps_args=-o%20args', '?ps_args=--no-such-option', '?ps_args=-o%20pid=x%20-o%20cmd=PID']) assert.ok((await engine.http('GET', `/containers/${busy}/top${query}`)).status >= 400, query);
});

test('top of a container that does not run, or is not there, is refused', { skip: hasPs ? false : 'this dockerd finds no ps' }, async () => {
  const id = await engine.create({ Cmd: ['true'] });
  const answer = await engine.http('GET', `/containers/${id}/top`);
  assert.deepEqual([answer.status, answer.json()], [409, { message: `container ${id} is not running` }]);
  assert.equal((await engine.http('GET', '/containers/no-such-one/top')).status, 404);
});
