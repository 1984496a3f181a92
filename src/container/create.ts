// create: an image, a configuration and a name become a record with a root of its own. Nothing runs.
import { fail, isFail, newContainerId, parseDigest, type ContainerId } from '../base/index.ts';
import type { CreateContainerRequest, HostConfig } from '../spec/docker/container.ts';
import type { Platform } from '../spec/oci/image.ts';
import type { ContainerRecord } from './container.ts';
import { discardWhatCannotBe, limitFactsOf } from './discard.ts';
import { ignoredHealthcheck } from './health/index.ts';
import { checkExtraHosts, writeIdentityFiles } from './identity-files.ts';
import { checkLog, logPathOf } from './logs.ts';
import { linksOf } from './links.ts';
import { mergeConfig, mergeHostConfig } from './merge.ts';
import { copyUp, resolveMounts } from './mounts/index.ts';
import { inventName, parseName } from './name.ts';
import { checkSharedNetwork, connectionsOf } from './endpoints/connections.ts';
import { identityOf } from './endpoints/files.ts';
import { chooseDevices } from './oci/devices.ts';
import { checkSecurityModules, seccompChoice } from './oci/security.ts';
import { resourcesOf } from './oci/resources.ts';
import { checkSysctls } from './oci/sysctls.ts';
import { explainDiskFull } from '../storage/index.ts';
import { capabilitiesOf } from './rights.ts';
import { cgroupPathOf, type Room } from './room.ts';
import { containerMode } from './start.ts';
import { parseSignal } from './signal.ts';

/** @throws as Containers.create. What was half made is gone again. */
export async function createContainer(room: Room, request: CreateContainerRequest, options: { readonly name?: string | undefined; readonly platform?: Platform | undefined }): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }> {
  const image = room.images.get(request.config.Image, options.platform);
  const id = newContainerId();
  const mac = request.config.MacAddress ?? '';
  checkSharedNetwork(request.hostConfig, { hostname: request.config.Hostname, exposes: Object.keys(request.config.ExposedPorts ?? {}).length > 0, mac });
  const { hostConfig, warnings } = discardWhatCannotBe(withOthersById(room, withRuntime(room, mergeHostConfig(request.hostConfig, room.host))), limitFactsOf(room));
  const network = containerMode(hostConfig.NetworkMode);
  const connections = connectionsOf(room.networks, { hostConfig, endpoints: request.endpoints, mac });
  const config = { ...mergeConfig(request.config, image.config.config ?? {}, id, hostConfig, room.host), ...(network === undefined ? {} : namesOf(room, network)) };
  const unmounted: ContainerRecord = {
    id, name: options.name === undefined || options.name === '' ? inventName((name) => room.shelf.isNameTaken(name)) : parseName(options.name),
    createdAt: new Date(), imageId: parseDigest(image.id), platform: { os: image.config.os, architecture: image.config.architecture }, layers: image.layers,
    config, hostConfig: { ...hostConfig, Links: null }, connections, links: linksOf(room, connections, hostConfig.Links), mounts: [], state: { status: 'created' }, restartCount: 0, logPath: logPathOf(room.storage.containerDir(id), id, hostConfig.LogConfig.Type),
    filesDir: room.storage.containerDir(network === undefined ? id : room.shelf.get(network).id),
  };
  checkWhatStartNeeds(room, unmounted);
  using _name = room.shelf.reserveName(unmounted.name);
  await using mounts = await resolveMounts(room, { hostConfig, volumes: config.Volumes });
  await copyUp(room, image.layers, mounts.points);
  const record = { ...unmounted, mounts: mounts.points };
  using undo = new DisposableStack();
  undo.defer(() => room.storage.snapshots.removeSnapshot(id));
  room.storage.snapshots.prepare(id, image.layers);
  try {
    writeIdentityFiles(room.storage.containerDir(id), identityOf(room.networks, record));
    room.shelf.put(record);
  } catch (error) {
    throw explainDiskFull(error, room.storage.rootDir);
  }
  undo.move();
  mounts.keep();
  room.tell({ kind: 'create', container: record });
  return { id, warnings: [...warnings, ignoredHealthcheck(config)].filter((warning) => warning !== undefined) };
}

/** What start would refuse for ever is refused now. */
function checkWhatStartNeeds(room: Room, record: ContainerRecord): void {
  const { config, hostConfig } = record;
  if (config.WorkingDir !== '' && !config.WorkingDir.startsWith('/')) throw fail('invalid', `the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  if (config.StopSignal !== undefined && config.StopSignal !== '') parseSignal(config.StopSignal);
  room.seccomp.get(seccompChoice(hostConfig.SecurityOpt ?? [], hostConfig.Privileged), capabilitiesOf(room, hostConfig));
  const { rules } = chooseDevices({ privileged: hostConfig.Privileged, mappings: [], rules: hostConfig.DeviceCgroupRules ?? [] });
  room.cgroups.check(resourcesOf(hostConfig, rules));
  checkSecurityModules(hostConfig, room.host.modules);
  // Refuses a parent that is no path.
  room.cgroups.join(cgroupPathOf(record.id, hostConfig.CgroupParent));
  checkLog(record);
  checkExtraHosts(hostConfig.ExtraHosts ?? []);
  checkSysctls(hostConfig);
}

/** Who shares another's network is called as that one: it has its hosts file, too. */
function namesOf(room: Room, other: string): Pick<ContainerRecord['config'], 'Hostname' | 'Domainname'> {
  const { Hostname, Domainname } = room.shelf.get(other).config;
  return { Hostname, Domainname };
}

/** @throws `invalid` for a runtime that is not there */
function withRuntime({ runtimes }: Room, hostConfig: HostConfig): HostConfig {
  const name = hostConfig.Runtime === '' ? runtimes.defaultName : hostConfig.Runtime;
  runtimes.find(name);
  return { ...hostConfig, Runtime: name };
}

/** `container:name` becomes `container:id`: names change hands. */
function withOthersById(room: Room, hostConfig: HostConfig): HostConfig {
  return {
    ...hostConfig,
    NetworkMode: byId(room, hostConfig.NetworkMode, 'joining network namespace of container: '),
    PidMode: byId(room, hostConfig.PidMode, ''),
    IpcMode: byId(room, hostConfig.IpcMode, ''),
  };
}

/** Docker's clients read a 404 of create as a missing image, and would pull: a container that is missing is invalid here. */
function byId(room: Room, mode: string, prefix: string): string {
  const other = containerMode(mode);
  if (other === undefined) return mode;
  try {
    return `container:${room.shelf.get(other).id}`;
  } catch (error) {
    if (!isFail(error, 'not_found')) throw error;
    throw fail('invalid', prefix + error.message, { cause: error });
  }
}
