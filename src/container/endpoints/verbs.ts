// connect, disconnect, publish, unpublish: the networks and ports of a container that exists. While it runs the kernel is changed first, then the
// record in one transaction; of a container that does not run only the record.
import { fail } from '../../base/index.ts';
import type { Connection, Membership, NetworkRecord, Sandbox } from '../../network/index.ts';
import type { EndpointSettings, UpdateContainerRequest } from '../../spec/docker/container.ts';
import type { ContainerRecord } from '../container.ts';
import { taskOf, type Room } from '../room.ts';
import { hasProcess, type StateWithProcess } from '../state.ts';
import { connectionOf, findNetwork, inPrivateMode, sharesNetwork } from './connections.ts';
import { changeNetworkFiles } from './files.ts';
import { sandboxOf } from './prepare.ts';
import { changedBindings, openPortsOf, requestsOf } from './published.ts';

/** Runs inside the container's queue. @throws as Containers.connectNetwork */
export async function connectNetwork(room: Room, record: ContainerRecord, nameOrId: string, settings: EndpointSettings): Promise<void> {
  const network = room.networks.get(nameOrId);
  checkCombination(record, network);
  const connection = connectionOf(network.name, settings);
  room.networks.check(connection);
  if (record.connections.some((one) => one.network === network.name)) throw fail('denied', `endpoint with name ${record.name} already exists in network ${network.name}`);
  await change(room, record, (now) => ({ connections: [...now.connections, connection] }), (sandbox) => room.networks.connect(sandbox, connection));
}

/** `force`: also when the network is not there any more. */
export async function disconnectNetwork(room: Room, record: ContainerRecord, nameOrId: string, { force }: { readonly force: boolean }): Promise<void> {
  const network = force ? findNetwork(room.networks, nameOrId) : room.networks.get(nameOrId);
  const name = network?.name ?? nameOrId;
  if (network?.driver === 'host') throw fail('denied', 'container cannot be disconnected from host network - container must be created in host network mode');
  if (!record.connections.some((one) => one.network === name)) throw fail('denied', `container ${record.id} is not connected to network ${name}`);
  await change(room, record, (now) => ({ connections: now.connections.filter((one) => one.network !== name) }), (sandbox, membership) => leaveOne(room, sandbox, membership, name));
}

async function leaveOne(room: Room, sandbox: Sandbox, membership: Membership, name: string): Promise<Membership> {
  const endpoint = membership.endpoints.find((one) => one.network === name);
  return endpoint === undefined ? membership : room.networks.disconnect(sandbox, endpoint.networkId);
}

/** Ports that come, after those that go. @throws `not_found` when a port that is to go is not published */
export async function changePorts(room: Room, record: ContainerRecord, { publish, unpublish }: Pick<UpdateContainerRequest, 'publish' | 'unpublish'>): Promise<void> {
  const { hostConfig } = record;
  if (hostConfig.NetworkMode.startsWith('container:') || hostConfig.NetworkMode === 'host') throw fail('conflict', 'A container that shares another network has no ports of its own to publish');
  checkPublished(record, unpublish);
  const PortBindings = changedBindings(hostConfig.PortBindings, publish, unpublish);
  await change(room, record, (now) => ({ hostConfig: { ...now.hostConfig, PortBindings } }), async (sandbox, before) => {
    const gone = openPortsOf(before.ports, unpublish);
    const left = gone.length === 0 ? before : await room.networks.unpublish(sandbox, gone);
    const requests = requestsOf(publish);
    if (requests.length === 0) return left;
    try {
      return await room.networks.publish(sandbox, requests, hostConfig.PublishMode);
    } catch (error) {
      // All or nothing: what went comes back, with the numbers that it had.
      if (gone.length > 0) await room.networks.publish(sandbox, gone.map((port) => ({ ...port, hostPorts: [port.hostPort, port.hostPort] })), hostConfig.PublishMode);
      throw error;
    }
  });
}

function checkPublished({ name, hostConfig: { PortBindings }, state }: ContainerRecord, unpublish: UpdateContainerRequest['unpublish']): void {
  const open = hasProcess(state) ? state.membership?.ports ?? [] : [];
  for (const [port, bindings] of Object.entries(unpublish)) {
    if (openPortsOf(open, { [port]: bindings }).length > 0 || changedBindings(PortBindings, {}, { [port]: bindings })[port]?.length !== PortBindings[port]?.length) continue;
    throw fail('not_found', `Port ${port} of container "${name}" is not published${bindings.length === 0 ? '' : ' there'}`, { hint: `See: estiva port ${name}` });
  }
}

type Recorded = Partial<Pick<ContainerRecord, 'connections' | 'hostConfig'>>;

/** The kernel first; what it has become is recorded together with what was asked. When the record cannot be written, the next start or recovery goes by the old one. */
async function change(room: Room, record: ContainerRecord, recorded: (now: ContainerRecord) => Recorded, verb: (sandbox: Sandbox, before: Membership) => Promise<Membership>): Promise<void> {
  if (!hasProcess(record.state)) {
    room.shelf.change(record.id, (now) => ({ ...now, ...recorded(now) }));
    return;
  }
  const before = record.state.membership ?? nothing;
  const { network: namespace } = taskOf(room, record.id).fds;
  if (namespace === undefined) throw fail('conflict', `container ${record.name} was started without a network of its own`, { hint: 'Restart it: it then has what was asked for' });
  const after = await verb(sandboxOf(record, namespace), before);
  room.shelf.change(record.id, (now) => ({ ...now, ...recorded(now), state: withMembership(now.state, after) }));
  changeNetworkFiles(room, record, before, after);
}

const nothing: Membership = { endpoints: [], ports: [], hasResolver: false };

/** It may have ended meanwhile: then its endpoints are gone already. */
function withMembership(state: ContainerRecord['state'], membership: Membership): ContainerRecord['state'] {
  return hasProcess(state) ? { ...state, membership } satisfies StateWithProcess : state;
}

/** In dockerd's words. */
function checkCombination({ connections, hostConfig: { NetworkMode: mode } }: ContainerRecord, network: NetworkRecord): void {
  if (mode === 'host' || mode.startsWith('container:')) throw sharesNetwork();
  if (network.driver === 'host') throw fail('denied', 'cannot connect container to host network - container must be created in host network mode');
  const names = connections.map((connection: Connection) => connection.network);
  if (names.includes('none') || (network.driver === 'null' && names.length > 0)) throw inPrivateMode();
}
