// A health check as configured, and what its results mean. Pure.
// Source of the rules and figures: Docker's documentation, and what dockerd 28.5 does.
import { fail } from '../../base/index.ts';
import type { ContainerConfig } from '../../spec/docker/container.ts';

type Configured = NonNullable<ContainerConfig['Healthcheck']>;

/** A health check that is made: its command, and when. */
export interface HealthCheck {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** In the first so many milliseconds of a run failures do not count. */
  readonly startPeriodMs: number;
  /** The interval in that time. */
  readonly startIntervalMs: number;
  /** So many failures in a row make it unhealthy. */
  readonly retries: number;
}

export interface Probed {
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** 0: healthy; -1: it could not be run, or did not end in time. */
  readonly exitCode: number;
  readonly output: string;
}

/** What is stored with a container that has a health check. */
export interface Health {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  readonly failingStreak: number;
  /** The last five, oldest first; those of earlier runs too. */
  readonly log: readonly Probed[];
}

const logMax = 5;
const nsPerMs = 1e6;
const defaults = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5_000, retries: 3 };

/** Undefined: none is made, because none is configured, or it says NONE or nothing that could be run. */
export function healthCheckOf({ Healthcheck: configured, Shell }: Pick<ContainerConfig, 'Healthcheck' | 'Shell'>): HealthCheck | undefined {
  const command = commandOf(configured?.Test ?? [], Shell ?? ['/bin/sh', '-c']);
  if (configured === undefined || command === undefined) return undefined;
  const ms = (ns: number | undefined, fallback: number): number => (ns === undefined || ns === 0 ? fallback : ns / nsPerMs);
  return {
    command,
    intervalMs: ms(configured.Interval, defaults.intervalMs), timeoutMs: ms(configured.Timeout, defaults.timeoutMs), startPeriodMs: ms(configured.StartPeriod, defaults.startPeriodMs),
    startIntervalMs: ms(configured.StartInterval, defaults.startIntervalMs), retries: (configured.Retries ?? 0) > 0 ? configured.Retries! : defaults.retries,
  };
}

function commandOf([kind, ...words]: readonly string[], shell: readonly string[]): readonly string[] | undefined {
  if (words.length === 0) return undefined;
  return kind === 'CMD' ? words : kind === 'CMD-SHELL' ? [...shell, ...words] : undefined;
}

/** What was asked for, filled up with the image's. */
export function mergeHealthcheck(asked: Configured | undefined, image: Configured | undefined): Configured | undefined {
  if (asked === undefined || image === undefined) return asked ?? image;
  const given = Object.entries(asked).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0));
  return { ...image, ...Object.fromEntries(given) };
}

/** @throws `invalid` in dockerd's words. */
export function checkHealthcheck(configured: Configured | undefined): void {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const ns = configured?.[name] ?? 0;
    if (ns !== 0 && ns < nsPerMs) throw fail('invalid', `${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((configured?.Retries ?? 0) < 0) throw fail('invalid', 'Retries in Healthcheck cannot be negative');
}

/** Why a health check that is configured is not made; undefined when it is, or is meant not to be. (Of `["CMD"]` alone dockerd 28.5 dies.) */
export function ignoredHealthcheck(config: Pick<ContainerConfig, 'Healthcheck' | 'Shell'>): string | undefined {
  const [kind, ...words] = config.Healthcheck?.Test ?? [];
  if (kind === undefined || kind === '' || kind === 'NONE' || healthCheckOf(config) !== undefined) return undefined;
  return words.length === 0 ? `No health check is made: ${kind} has no command` : `No health check is made: its type is ${JSON.stringify(kind.slice(0, 100))}, neither CMD nor CMD-SHELL`;
}

/** Before its first result. */
export function startingHealth(before: Health | undefined): Health {
  return { status: 'starting', failingStreak: 0, log: before?.log ?? [] };
}

/** How long until the next probe, `ranMs` after the start. */
export function nextProbeMs(check: HealthCheck, status: Health['status'], ranMs: number): number {
  return status === 'starting' && ranMs < check.startPeriodMs ? check.startIntervalMs : check.intervalMs;
}

/** `ranMs`: how long after the container's start the probe began. */
export function afterProbe(before: Health, probed: Probed, check: HealthCheck, ranMs: number): Health {
  const log = [...before.log, probed].slice(-logMax);
  if (probed.exitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  if (before.status === 'starting' && ranMs < check.startPeriodMs) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  return { status: failingStreak >= check.retries ? 'unhealthy' : before.status, failingStreak, log };
}

/** Nobody looks any more: paused or ended. dockerd calls that unhealthy. */
export function unwatched(health: Health | undefined): Health | undefined {
  return health === undefined ? undefined : { ...health, status: 'unhealthy' };
}
