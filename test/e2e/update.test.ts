// Changing a container that exists: limits that the kernel takes at once, the restart policy; and removing what has stopped (prune).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { busybox, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const MiB = 2 ** 20;
const remove = async (...ids: string[]) => { succeeded(await engine.docker(['rm', '-f', ...ids])); };
const sleeper = (...flags: string[]) => engine.start([...flags, busybox, 'sleep', '1000']);
const update = (id: string, body: Record<string, unknown>) => engine.http('POST', `/containers/${id}/update`, body);
const configOf = async (id: string) => (await engine.inspect(id)).HostConfig;

/** Not every kernel has that controller. */
const hasCpuset = ((await engine.http('GET', '/info')).json() as { CPUSet: boolean }).CPUSet;
const noCpuset = !hasCpuset && 'this kernel has no cpuset controller';

async function updated(id: string, body: Record<string, unknown>): Promise<void> {
  const answer = await update(id, body);
  assert.deepEqual([answer.status, answer.json()], [200, { Warnings: null }], answer.text);
}

async function refused(id: string, body: Record<string, unknown>, status: number, text: RegExp): Promise<void> {
  const answer = await update(id, body);
  assert.equal(answer.status, status, answer.text);
  assert.match((answer.json() as { message: string }).message, text);
}

test('limits of a running container change at once, and inspect shows them', async () => {
  const id = await engine.start(['-m', '64m', busybox, 'sh', '-c', 'while :; do sleep 1000; done']);
  succeeded(await engine.docker(['update', '-m', '128m', '--memory-swap', '256m', '--memory-reservation', '32m', '--cpu-shares', '512', '--cpus', '0.5', '--pids-limit', '30', ...(hasCpuset ? ['--cpuset-cpus', '0'] : []), id]));
  const { Memory, MemorySwap, MemoryReservation, CpuShares, NanoCpus, PidsLimit, CpusetCpus } = await configOf(id);
  assert.deepEqual([Memory, MemorySwap, MemoryReservation, CpuShares, NanoCpus, PidsLimit, CpusetCpus], [128 * MiB, 256 * MiB, 32 * MiB, 512, 5e8, 30, hasCpuset ? '0' : '']);
  const inside = (script: string) => engine.docker(['exec', id, 'sh', '-c', script]);
  assert.match((await inside('for i in $(seq 40); do sleep 0.3 & done; wait')).stderr, /can't fork/);
  succeeded(await engine.docker(['update', '--pids-limit', '-1', id]));
  await until('the sleepers have ended', async () => (await inside('for i in $(seq 40); do sleep 0.1 & done; wait')).stderr === '');
  if (hasCpuset) assert.equal(succeeded(await inside('grep Cpus_allowed_list /proc/1/status')).trim().split(/\s+/)[1], '0');
  assert.equal(succeeded(await inside('dd if=/dev/zero of=/dev/null bs=80M count=1 2>/dev/null; echo $?')), '0\n');
  succeeded(await engine.docker(['update', '-m', '64m', '--memory-swap', '64m', id]));
  assert.equal(succeeded(await inside('dd if=/dev/zero of=/dev/null bs=90M count=1 2>/dev/null; echo $?')), '137\n');
  await remove(id);
});

test('a CPU quota is kept from the moment of the update on', async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'while :; do :; done']);
  succeeded(await engine.docker(['update', '--cpu-period', '50000', '--cpu-quota', '5000', id]));
  const usage = async () => Number(succeeded(await engine.docker(['exec', id, 'sh', '-c', 'read -r line < /proc/1/stat; set -- $line; echo $((${14} + ${15}))'])));
  const before = await usage();
  const began = performance.now();
  await sleep(1000);
  const ticks = await usage() - before;
  assert.ok(ticks < (performance.now() - began) / 10 * 0.4, `${ticks} ticks`);
  const { CpuPeriod, CpuQuota } = await configOf(id);
  assert.deepEqual([CpuPeriod, CpuQuota], [50_000, 5_000]);
  await remove(id);
});

test('what was updated counts after a restart; stopped and paused containers are updated too', { skip: noCpuset }, async () => {
  const id = await engine.create({ Cmd: ['sh', '-c', 'grep Cpus_allowed_list /proc/1/status; sleep 1000'] });
  await updated(id, { CpusetCpus: '1', Memory: 64 * MiB, MemorySwap: -1 });
  await engine.http('POST', `/containers/${id}/start`);
  await until('it says', async () => /\t1\n/.test((await engine.docker(['logs', id])).stdout));
  succeeded(await engine.docker(['pause', id]));
  await updated(id, { CpusetCpus: '0' });
  succeeded(await engine.docker(['unpause', id]));
  assert.match(succeeded(await engine.docker(['exec', id, 'grep', 'Cpus_allowed_list', '/proc/1/status'])), /\t0\n/);
  await remove(id);
});

test('values that nobody could set are refused, and conflicts with what is set, in Docker\'s words', async () => {
  const id = await sleeper();
  await refused(id, { Memory: 1000 }, 400, /^Minimum memory limit allowed is 6MB$/);
  await refused(id, { Memory: 64 * MiB }, 409, new RegExp(`^Cannot update container ${id}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time$`));
  await refused(id, { NanoCpus: 99e9 }, 400, /^range of CPUs is from 0\.01 to \d+\.00, as there are only \d+ CPUs available$/);
  if (hasCpuset) await refused(id, { CpusetCpus: '4000' }, 400, /4000/);
  await refused(id, { RestartPolicy: { Name: 'bogus' } }, 400, /^invalid restart policy: unknown policy 'bogus'/);
  await updated(id, { NanoCpus: 5e8 });
  await refused(id, { CpuQuota: 50_000 }, 409, /Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set$/);
  await refused(id, { CpuPeriod: 50_000 }, 409, /Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set$/);
  assert.equal((await update('no-such-one', {})).status, 404);
  assert.equal((await update(id, { Memory: 'x' })).status, 400);
  await updated(id, {});
  const none = await engine.docker(['update', id]);
  assert.notEqual(none.code, 0);
  assert.match(none.stderr, /you must provide one or more flags when using this command/);
  await remove(id);
});

test('fields that Docker reads and ignores are refused by name', { skip: !engine.ours && 'dockerd ignores them' }, async () => {
  const id = await sleeper();
  await refused(id, { Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }] }, 501, /^Ulimits cannot be updated/);
  await refused(id, { Memory: 64 * MiB, MemorySwap: 64 * MiB, Devices: [{ PathOnHost: '/dev/null' }] }, 501, /^Devices cannot be updated/);
  assert.equal((await configOf(id)).Memory, 0);
  await remove(id);
});

test('what the kernel refuses changes nothing, not even what it took before', async (context) => {
  const id = await engine.start(['-m', '100m', '--memory-swap', '100m', '--shm-size', '64m', busybox, 'sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo full; sleep 1000']);
  await until('it uses its memory', async () => (await engine.docker(['logs', id])).stdout === 'full\n');
  const answer = await update(id, { Memory: 10 * MiB, MemorySwap: 10 * MiB, CpuShares: 300 });
  // Version 2 of cgroups takes memory away from programs instead of refusing.
  if (answer.status === 200) return context.skip('this kernel takes the memory away');
  assert.match((answer.json() as { message: string }).message, new RegExp(`^Cannot update container ${id}: .*memory limit to "?10485760"?.*[0-9]{8}`));
  const { Memory, MemorySwap, CpuShares } = await configOf(id);
  assert.deepEqual([Memory, MemorySwap, CpuShares], [100 * MiB, 100 * MiB, 0]);
  succeeded(await engine.docker(['exec', id, 'true']));
  await remove(id);
});

test('update --restart: from now on, and refused where it contradicts --rm', async () => {
  const id = await engine.start([busybox, 'sh', '-c', 'until [ -e /go ]; do usleep 20000; done; exit 3']);
  succeeded(await engine.docker(['update', '--restart', 'on-failure:2', id]));
  assert.deepEqual((await configOf(id)).RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 2 });
  succeeded(await engine.docker(['exec', id, 'touch', '/go']));
  await until('it was restarted twice', async () => {
    const { RestartCount, State } = await engine.inspect(id);
    return RestartCount === 2 && State.Status === 'exited';
  });
  const once = await sleeper('--rm');
  await refused(once, { RestartPolicy: { Name: 'always' } }, 409, /Restart policy cannot be updated because AutoRemove is enabled for the container$/);
  await updated(once, { RestartPolicy: { Name: 'no' } });
  await remove(id, once);
});

test('an update outlives kill -9 of the daemon', { skip: !engine.ours && 'a promise of ours' }, async () => {
  const id = await sleeper();
  await updated(id, { PidsLimit: 50, RestartPolicy: { Name: 'always' } });
  await engine.daemon!.crash();
  await engine.daemon!.start();
  const { PidsLimit, RestartPolicy } = await configOf(id);
  assert.deepEqual([PidsLimit, RestartPolicy], [50, { Name: 'always', MaximumRetryCount: 0 }]);
  await remove(id);
});
