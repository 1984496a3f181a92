// A container's configuration: what was asked for, filled up with the image's defaults and then with Docker's. Pure.
// Source of the rules: Docker Engine API documentation, and what dockerd 28.5 answers to the same requests.
import { fail, shortId, type ContainerId } from '../base/index.ts';
import type { ContainerConfig, ContainerLimits, HostConfig } from '../spec/docker/container.ts';
import { withLabels } from './oci/security.ts';
import type { ImageRunConfig } from '../spec/oci/image.ts';
import { checkHealthcheck, mergeHealthcheck } from './health/index.ts';
import { checkRestartPolicy } from './restart-policy.ts';

export function mergeConfig(asked: ContainerConfig, image: ImageRunConfig, id: ContainerId, hostConfig: HostConfig, host: { readonly hostname: string }): ContainerConfig {
  const command = mergeCommand(asked, image);
  if ((command.Entrypoint ?? []).length === 0 && (command.Cmd ?? []).length === 0) throw fail('invalid', 'no command specified', { hint: 'Give a command after the image, or use an image that has one' });
  const stopSignal = asked.StopSignal ?? image.StopSignal;
  const volumes = { ...image.Volumes, ...asked.Volumes };
  const exposed = { ...image.ExposedPorts, ...asked.ExposedPorts };
  const health = mergeHealthcheck(asked.Healthcheck, image.Healthcheck);
  checkHealthcheck(health);
  const shell = asked.Shell ?? image.Shell;
  return {
    ...asked,
    ...command,
    Hostname: asked.Hostname !== '' ? asked.Hostname : hostConfig.NetworkMode === 'host' ? host.hostname : shortId(id),
    User: asked.User !== '' ? asked.User : image.User ?? '',
    Env: mergeEnvironment(asked.Env, image.Env ?? []),
    WorkingDir: asked.WorkingDir !== '' ? asked.WorkingDir : image.WorkingDir ?? '',
    Labels: { ...image.Labels, ...asked.Labels },
    Volumes: Object.keys(volumes).length === 0 ? null : volumes,
    ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
    ...(health === undefined ? {} : { Healthcheck: health }),
    ...(shell === undefined ? {} : { Shell: shell }),
    OnBuild: asked.OnBuild ?? image.OnBuild ?? null,
  };
}

/** An entry point that was asked for drops the image's command; `[""]` drops the image's entry point. */
function mergeCommand(asked: ContainerConfig, image: ImageRunConfig): Pick<ContainerConfig, 'Entrypoint' | 'Cmd'> {
  if (asked.Entrypoint?.length === 1 && asked.Entrypoint[0] === '') return { Entrypoint: null, Cmd: asked.Cmd };
  if ((asked.Entrypoint ?? []).length > 0) return { Entrypoint: asked.Entrypoint, Cmd: asked.Cmd };
  return { Entrypoint: asked.Entrypoint ?? image.Entrypoint ?? null, Cmd: (asked.Cmd ?? []).length > 0 ? asked.Cmd : image.Cmd ?? null };
}

/** The image's variables that were not asked for otherwise, behind those that were. */
function mergeEnvironment(asked: readonly string[], image: readonly string[]): readonly string[] {
  const names = new Set(asked.map(nameOf));
  return [...asked, ...image.filter((entry) => !names.has(nameOf(entry)))];
}

/** For a commit: a configuration that was asked for, filled up with the container's. The rules are dockerd's: a list that is not empty counts whole. */
export function mergeForImage(asked: ContainerConfig, container: ContainerConfig): ContainerConfig {
  const hasEntrypoint = (asked.Entrypoint ?? []).length > 0;
  const volumes = { ...container.Volumes, ...asked.Volumes };
  return {
    ...container, ...asked,
    User: asked.User === '' ? container.User : asked.User,
    Entrypoint: hasEntrypoint ? asked.Entrypoint : asked.Entrypoint ?? container.Entrypoint,
    Cmd: hasEntrypoint || (asked.Cmd ?? []).length > 0 ? asked.Cmd : container.Cmd,
    Env: mergeEnvironment(asked.Env, container.Env),
    WorkingDir: asked.WorkingDir === '' ? container.WorkingDir : asked.WorkingDir,
    Labels: { ...container.Labels, ...asked.Labels },
    Volumes: Object.keys(volumes).length === 0 ? null : volumes,
    ExposedPorts: { ...container.ExposedPorts, ...asked.ExposedPorts },
  };
}

function nameOf(entry: string): string {
  return entry.split('=', 1)[0]!;
}

const memoryBytesMin = 6 * 1024 * 1024;

export interface HostFacts {
  readonly cpus: number;
  readonly hostname: string;
}

/** Checks limits against each other and the host, and fills in what follows from them. @throws `invalid` with Docker's text. */
export function mergeHostConfig(asked: HostConfig, host: HostFacts): HostConfig {
  checkMemory(asked);
  checkCpu(asked, host);
  checkRestartPolicy(asked.RestartPolicy);
  if (asked.AutoRemove && asked.RestartPolicy.Name !== 'no') throw fail('invalid', "can't create 'AutoRemove' container with restart policy");
  checkOthers(asked);
  const swap = asked.Memory > 0 && asked.MemorySwap === 0 ? asked.Memory * 2 : asked.MemorySwap;
  return {
    ...asked,
    MemorySwap: swap,
    NetworkMode: asked.NetworkMode === '' || asked.NetworkMode === 'default' ? 'bridge' : asked.NetworkMode,
    IpcMode: asked.IpcMode === '' ? 'private' : asked.IpcMode,
    CgroupnsMode: asked.CgroupnsMode === '' ? (asked.Privileged ? 'host' : 'private') : asked.CgroupnsMode,
    SecurityOpt: withLabels(asked),
    MaskedPaths: asked.MaskedPaths ?? (asked.Privileged ? null : maskedPaths),
    ReadonlyPaths: asked.ReadonlyPaths ?? (asked.Privileged ? null : readonlyPaths),
  };
}

/** @throws `invalid` with Docker's text. */
export function checkMemory({ Memory, MemorySwap, MemoryReservation, MemorySwappiness }: Pick<HostConfig, 'Memory' | 'MemorySwap' | 'MemoryReservation' | 'MemorySwappiness'>): void {
  if (Memory !== 0 && Memory < memoryBytesMin) throw fail('invalid', 'Minimum memory limit allowed is 6MB');
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) throw fail('invalid', 'Minimum memoryswap limit should be larger than memory limit, see usage');
  if (Memory === 0 && MemorySwap > 0) throw fail('invalid', 'You should always set the Memory limit when using Memoryswap limit, see usage');
  if (MemorySwappiness !== null && MemorySwappiness !== -1 && (MemorySwappiness < 0 || MemorySwappiness > 100)) throw fail('invalid', `Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  if (MemoryReservation > 0 && MemoryReservation < memoryBytesMin) throw fail('invalid', 'Minimum memory reservation allowed is 6MB');
  if (Memory > 0 && MemoryReservation > Memory) throw fail('invalid', 'Minimum memory limit can not be less than memory reservation limit, see usage');
}

/** @throws `invalid` with Docker's text. */
export function checkCpu(asked: ContainerLimits, { cpus }: Pick<HostFacts, 'cpus'>): void {
  const { NanoCpus, CpuPeriod, CpuQuota } = asked;
  if (NanoCpus !== 0 && CpuPeriod > 0) throw fail('invalid', 'Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (NanoCpus !== 0 && CpuQuota > 0) throw fail('invalid', 'Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (NanoCpus !== 0 && (NanoCpus < 1e7 || NanoCpus > cpus * 1e9)) throw fail('invalid', `range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) throw fail('invalid', 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  if (asked.CpuShares < 0) throw fail('invalid', `invalid CPU shares (${asked.CpuShares}): value must be a positive integer`);
  if (asked.CpuRealtimePeriod !== 0 && asked.CpuRealtimeRuntime > asked.CpuRealtimePeriod) throw fail('invalid', 'cpu real-time runtime cannot be higher than cpu real-time period');
  if (CpuQuota > 0 && CpuQuota < 1000) throw fail('invalid', 'CPU cfs quota can not be less than 1ms (i.e. 1000)');
}

function checkOthers({ OomScoreAdj, ShmSize, Isolation, StorageOpt, Annotations }: HostConfig): void {
  if (Math.abs(OomScoreAdj) > 1000) throw fail('invalid', `Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  if (ShmSize < 0) throw fail('invalid', 'SHM size can not be less than 0');
  if (!['', 'default'].includes(Isolation)) throw fail('invalid', `invalid isolation (${Isolation.slice(0, 100)}): linux only supports 'default'`);
  if (Object.keys(StorageOpt ?? {}).length > 0) throw fail('invalid', '--storage-opt is supported only for overlay over xfs with \'pquota\' mount option', { hint: 'Containers share the disk of the data root' });
  if (Object.keys(Annotations ?? {}).includes('')) throw fail('invalid', 'invalid Annotations: the empty string is not permitted as an annotation key');
}

/** What a container may not see: Docker's list, which since 28 hides /proc/interrupts and powercap too. */
const maskedPaths = ['/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap'];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
