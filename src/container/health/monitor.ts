// The health checks of a running container: a probe after each interval, each result stored, each change told. They stop when it is paused or ends.
import { messageOf, type ContainerId } from '../../base/index.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import { wait } from '../timer.ts';
import { afterProbe, healthCheckOf, nextProbeMs, type HealthCheck, type Probed } from './check.ts';
import { probe } from './probe.ts';

/** For a container that runs now: begins when it has a health check. */
export function beginHealthChecks(room: Room, record: ContainerRecord): void {
  const check = healthCheckOf(record.config);
  if (check === undefined) return;
  endHealthChecks(room, record.id);
  const ended = new AbortController();
  room.monitors.set(record.id, { [Symbol.dispose]: () => ended.abort() });
  watch(room, record.id, check, ended.signal).catch((error: unknown) => room.log.error({ container: record.id, error: messageOf(error) }, 'its health checks ended'));
}

export function endHealthChecks(room: Room, id: ContainerId): void {
  room.monitors.get(id)?.[Symbol.dispose]();
  room.monitors.delete(id);
}

async function watch(room: Room, id: ContainerId, check: HealthCheck, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { health, state } = room.shelf.get(id);
    if (state.status !== 'running' || health === undefined) return;
    using timer = wait(nextProbeMs(check, health.status, Date.now() - state.startedAt.getTime()), signal);
    await timer.over;
    if (signal.aborted) return;
    const probed = await probe(room, room.shelf.get(id), check, signal);
    // A result that nobody waits for any more says nothing about the container.
    if (signal.aborted) return;
    keep(room, id, check, probed, state.startedAt);
  }
}

function keep(room: Room, id: ContainerId, check: HealthCheck, probed: Probed, startedAt: Date): void {
  const before = room.shelf.get(id).health;
  if (before === undefined) return;
  const health = afterProbe(before, probed, check, probed.startedAt.getTime() - startedAt.getTime());
  const container = room.shelf.change(id, (record) => ({ ...record, health }));
  if (health.status !== before.status) room.tell({ kind: 'health_status', container, health: health.status });
}
