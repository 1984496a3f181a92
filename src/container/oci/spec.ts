// A container's record becomes an OCI configuration. Pure, but for what it is handed: the user, the devices, the paths of namespaces to join.
import type { ContainerConfig } from '../../spec/docker/container.ts';
import type { Mount, NamespaceType, Process, Resources, Spec } from '../../spec/oci/runtime.ts';
import type { ContainerRecord } from '../container.ts';
import { hasInit, initArguments, initMount } from '../init.ts';
import type { User } from '../user.ts';
import { capabilitySets } from './capabilities.ts';
import type { DeviceSetting } from './devices.ts';
import { mountsOf } from './mounts.ts';
import { resourcesOf, rlimitsOf } from './resources.ts';
import { hasNoNewPrivileges } from './security.ts';

export interface SpecFacts {
  readonly user: User;
  readonly capabilities: readonly string[];
  readonly devices: DeviceSetting;
  readonly blockIo?: Resources['blockIO'];
  readonly filesDir: string;
  /** Variables about the containers that it is linked to. */
  readonly linked: readonly string[];
  /** The data root, where the init is. */
  readonly rootDir: string;
  readonly cgroupsPath: string;
  /** Its mount points, their sources made ready. */
  readonly mounts: readonly Mount[];
  /** Namespaces that are joined: of other containers (`container:x`). */
  readonly joined: Readonly<Partial<Record<NamespaceType, string>>>;
  /** Its own network namespace, for a runtime that is not handed it: made beforehand, and nobody else's. */
  readonly ownNetwork?: string | undefined;
}

export function specOf(record: ContainerRecord, facts: SpecFacts): Spec {
  const { config, hostConfig } = record;
  const namespaces = namespacesOf(record, facts);
  const ownNetwork = namespaces.some(({ type, path }) => type === 'network' && path === facts.ownNetwork);
  const program = [...config.Entrypoint ?? [], ...config.Cmd ?? []];
  const ownUts = namespaces.some(({ type, path }) => type === 'uts' && path === undefined);
  return {
    ociVersion: '1.2.0',
    root: { path: '/', readonly: hostConfig.ReadonlyRootfs },
    ...(ownUts ? { hostname: config.Hostname } : {}),
    ...(ownUts && config.Domainname !== '' ? { domainname: config.Domainname } : {}),
    mounts: [...mountsOf(hostConfig, facts.filesDir, facts.mounts), ...(hasInit(hostConfig) ? [initMount(facts.rootDir)] : [])],
    process: {
      terminal: config.Tty,
      consoleSize: { height: hostConfig.ConsoleSize[0], width: hostConfig.ConsoleSize[1] },
      cwd: config.WorkingDir === '' ? '/' : config.WorkingDir,
      env: environmentOf(config, facts.user, { linked: facts.linked }),
      args: hasInit(hostConfig) ? initArguments(program) : program,
      user: { uid: facts.user.uid, gid: facts.user.gid, additionalGids: facts.user.additionalGids },
      capabilities: capabilitySets(facts.capabilities, facts.user.uid),
      rlimits: rlimitsOf(hostConfig),
      noNewPrivileges: hasNoNewPrivileges(hostConfig.SecurityOpt ?? []),
      ...(hostConfig.OomScoreAdj === 0 ? {} : { oomScoreAdj: hostConfig.OomScoreAdj }),
    },
    linux: {
      namespaces,
      devices: facts.devices.devices,
      cgroupsPath: facts.cgroupsPath,
      resources: resourcesOf(hostConfig, facts.devices.rules, facts.blockIo),
      sysctl: { ...(ownNetwork ? networkSysctls : {}), ...hostConfig.Sysctls },
      maskedPaths: hostConfig.MaskedPaths ?? [],
      readonlyPaths: hostConfig.ReadonlyPaths ?? [],
    },
  };
}

/** Ports below 1024 and ping for every user of the container, as Docker has it: they are the container's own. */
const networkSysctls = { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' };

function namespacesOf({ hostConfig }: ContainerRecord, { joined, ownNetwork }: SpecFacts): Spec['linux']['namespaces'] {
  const shared: Readonly<Partial<Record<NamespaceType, boolean>>> = {
    network: hostConfig.NetworkMode === 'host', pid: hostConfig.PidMode === 'host', ipc: hostConfig.IpcMode === 'host', uts: hostConfig.UTSMode === 'host', cgroup: hostConfig.CgroupnsMode === 'host',
  };
  const types: readonly NamespaceType[] = ['mount', 'uts', 'pid', 'network', 'ipc', 'cgroup'];
  return types.filter((type) => shared[type] !== true).map((type) => {
    const path = joined[type] ?? (type === 'network' ? ownNetwork : undefined);
    return path === undefined ? { type } : { type, path };
  });
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Docker's variables and those of links, unless the configuration has its own; then those of an exec. An entry without `=` takes the name away. */
export function environmentOf(config: Pick<ContainerConfig, 'Env' | 'Hostname' | 'Tty'>, user: User, { linked = [], exec = [] }: { readonly linked?: readonly string[]; readonly exec?: readonly string[] }): readonly string[] {
  const variables = new Map<string, string>();
  const base = [defaultPath, ...(config.Hostname === '' ? [] : [`HOSTNAME=${config.Hostname}`]), ...(config.Tty ? ['TERM=xterm'] : [])];
  for (const entry of [...base, ...linked, ...config.Env, ...exec]) {
    const name = entry.split('=', 1)[0]!;
    if (entry.includes('=')) variables.set(name, entry);
    else variables.delete(name);
  }
  if (!variables.has('HOME')) variables.set('HOME', `HOME=${user.home}`);
  return [...variables.values()];
}

/** The process of an exec: the container's posture, with its own command. */
export function execProcessOf(record: ContainerRecord, exec: { readonly Cmd: readonly string[]; readonly Env: readonly string[]; readonly Tty: boolean; readonly WorkingDir: string }, facts: { readonly user: User; readonly capabilities: readonly string[]; readonly linked: readonly string[]; readonly consoleSize?: readonly [number, number] | undefined }): Process {
  const { config, hostConfig } = record;
  return {
    terminal: exec.Tty,
    ...(facts.consoleSize === undefined ? {} : { consoleSize: { height: facts.consoleSize[0], width: facts.consoleSize[1] } }),
    cwd: exec.WorkingDir !== '' ? exec.WorkingDir : config.WorkingDir === '' ? '/' : config.WorkingDir,
    env: environmentOf({ ...config, Tty: exec.Tty }, facts.user, { linked: facts.linked, exec: exec.Env }),
    args: exec.Cmd,
    user: { uid: facts.user.uid, gid: facts.user.gid, additionalGids: facts.user.additionalGids },
    capabilities: capabilitySets(facts.capabilities, facts.user.uid),
    rlimits: rlimitsOf(hostConfig),
    noNewPrivileges: hasNoNewPrivileges(hostConfig.SecurityOpt ?? []),
  };
}
