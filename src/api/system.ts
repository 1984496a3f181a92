// Ping, version, info.
import type { EngineInfo } from '../engine/index.ts';
import type { SystemInfo, VersionInfo } from '../spec/docker/system.ts';
import { answerJson } from './answer.ts';
import { apiMinorOldest, apiVersion } from './api-version.ts';
import type { Call } from './call.ts';
import { toRegistryInfo } from './registry-info.ts';

export function ping({ request, response }: Call): void {
  response.writeHead(200, {
    'Builder-Version': '1',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Swarm: 'inactive',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': 2,
  });
  response.end(request.method === 'HEAD' ? undefined : 'OK');
}

export function version({ engine, version, response }: Call): void {
  const { kernelVersion, machine } = engine.info();
  const runtime = `node ${process.versions.node}`;
  const about = {
    ApiVersion: apiVersion,
    MinAPIVersion: `1.${apiMinorOldest}`,
    GitCommit: '',
    GoVersion: runtime,
    Os: 'linux',
    Arch: goArchitecture(machine),
    KernelVersion: kernelVersion,
    BuildTime: '',
  };
  answerJson(response, 200, {
    Platform: { Name: 'Estiva' },
    Components: [{ Name: 'Engine', Version: version, Details: { ...about, Experimental: 'false' } }],
    Version: version,
    ...about,
  } satisfies VersionInfo);
}

export function info({ engine, version, response }: Call): void {
  answerJson(response, 200, toSystemInfo(engine.info(), version));
}

/** What the engine knows, in Docker's words; what Estiva does not have is zero, false or empty. */
function toSystemInfo(engine: EngineInfo, version: string): SystemInfo {
  const { containers, cgroupControllers: controllers } = engine;
  const [hasMemory, hasCpu] = [controllers.has('memory'), controllers.has('cpu')];
  return {
    ID: engine.id,
    Containers: containers.total,
    ContainersRunning: containers.running,
    ContainersPaused: containers.paused,
    ContainersStopped: containers.stopped,
    Images: engine.images,
    Driver: 'overlay2',
    DriverStatus: [['Backing Filesystem', engine.backingFileSystem], ['userxattr', 'false']],
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null'], Authorization: null, Log: ['json-file', 'local'] },
    MemoryLimit: hasMemory,
    SwapLimit: controllers.has('swap'),
    CpuCfsPeriod: hasCpu,
    CpuCfsQuota: hasCpu,
    CPUShares: hasCpu,
    CPUSet: controllers.has('cpuset'),
    PidsLimit: controllers.has('pids'),
    IPv4Forwarding: engine.forwardsIpv4,
    Debug: false,
    NFd: engine.openFiles,
    OomKillDisable: hasMemory && engine.cgroupVersion === 1,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: engine.cgroupVersion === 1 ? '1' : '2',
    NEventsListener: engine.eventListeners,
    KernelVersion: engine.kernelVersion,
    OperatingSystem: engine.operatingSystem,
    OSVersion: engine.osVersion,
    OSType: 'linux',
    Architecture: engine.machine,
    ...toRegistryInfo(engine.registries),
    NCPU: engine.cpus,
    MemTotal: engine.memoryBytes,
    GenericResources: null,
    DockerRootDir: engine.rootDir,
    Name: engine.hostname,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: version,
    Runtimes: Object.fromEntries(engine.runtimes.map(({ name, path }) => [name, { path }])),
    DefaultRuntime: engine.defaultRuntime,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'docker-init',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    SecurityOptions: [...(engine.seccomp ? ['name=seccomp,profile=builtin'] : []), 'name=cgroupns'],
    CDISpecDirs: [],
    Warnings: warningsOf(controllers),
  };
}

/** What limits cannot do here, in dockerd's words; null: everything. */
function warningsOf(controllers: EngineInfo['cgroupControllers']): readonly string[] | null {
  const needs = [['memory', 'memory limit'], ['swap', 'swap limit'], ['cpu', 'cpu cfs quota'], ['cpuset', 'cpuset'], ['pids', 'pids limit']] as const;
  const warnings = needs.filter(([controller]) => !controllers.has(controller)).map(([, what]) => `WARNING: No ${what} support`);
  return warnings.length === 0 ? null : warnings;
}

/** Go's name of a `uname -m`. */
function goArchitecture(machine: string): string {
  return { x86_64: 'amd64', aarch64: 'arm64' }[machine] ?? machine;
}
