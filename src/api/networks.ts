// Networks: list, inspect, create, connect, disconnect, remove, prune.
import { decode, fail } from '../base/index.ts';
import type { Engine, NetworkRecord } from '../engine/index.ts';
import { answerEmpty, answerJson } from './answer.ts';
import { readJson } from './body.ts';
import { parameterOf, type Call } from './call.ts';
import { endpointSettings } from './endpoint-settings.ts';
import { isNeeded, selectNetworks } from './network-filters.ts';
import { networkRequest } from './network-request.ts';
import { toNetworkView, toStatus } from './network-to-docker.ts';
import { chooser } from './prune.ts';

const { flag, object, text } = decode;

export function list({ engine, query, response }: Call): void {
  answerJson(response, 200, selectNetworks(engine, query).map((network) => toNetworkView(network, [])));
}

/** Of a network of one machine `verbose` says no more. */
export function inspect(call: Call): void {
  const { engine, query, response, apiMinor } = call;
  checkVerbose(query.text('verbose'));
  const name = parameterOf(call, 'id');
  const network = engine.networks.get(name);
  if (!['', 'local'].includes(query.text('scope'))) throw fail('not_found', `network ${name} not found`);
  const view = toNetworkView(network, membersOf(engine, network));
  answerJson(response, 200, apiMinor < 52 ? view : { ...view, Status: toStatus(engine.networks.usage(network.id)) });
}

function checkVerbose(value: string): void {
  if (['', '0', '1', 'f', 'F', 'FALSE', 'False', 'false', 't', 'T', 'TRUE', 'True', 'true'].includes(value)) return;
  const shown = value.slice(0, 100);
  throw fail('invalid', `invalid value for verbose: ${shown}: strconv.ParseBool: parsing ${JSON.stringify(shown)}: invalid syntax`);
}

type Members = Parameters<typeof toNetworkView>[1];

/** Containers of the host's network and of none have nothing there but their names. */
function membersOf({ networks, containers }: Engine, network: NetworkRecord): Members {
  if (network.driver !== 'host' && network.name !== 'none') return networks.members(network.id);
  return containers.list().filter(({ state, connections }) => ['running', 'paused'].includes(state.status) && connections.some((one) => one.network === network.name))
    .map(({ id, name }) => ({ containerId: id, name, endpoint: { id: '', mac: '' } }));
}

export async function create({ engine, request, response }: Call): Promise<void> {
  const { id, warning } = engine.networks.create(await readJson(request, networkRequest));
  answerJson(response, 201, { Id: id, Warning: warning });
}

export function remove(call: Call): void {
  call.engine.networks.remove(parameterOf(call, 'id'));
  answerEmpty(call.response, 204);
}

const connectBody = object({ Container: text, EndpointConfig: endpointSettings });
const disconnectBody = object({ Container: text, Force: flag });

export async function connect(call: Call): Promise<void> {
  const { engine, request, response } = call;
  const { Container, EndpointConfig } = await readJson(request, connectBody);
  await engine.containers.connectNetwork(named(Container), parameterOf(call, 'id'), EndpointConfig);
  answerEmpty(response, 200);
}

export async function disconnect(call: Call): Promise<void> {
  const { engine, request, response } = call;
  const { Container, Force } = await readJson(request, disconnectBody);
  const network = parameterOf(call, 'id');
  if (!Force) engine.networks.get(network);
  await engine.containers.disconnectNetwork(named(Container), network, { force: Force });
  answerEmpty(response, 200);
}

function named(container: string): string {
  if (container === '') throw fail('invalid', 'invalid name or ID supplied: ""');
  return container;
}

/** Networks of containers that only stand still stay: without them they could not be started again. */
export function prune({ engine, query, response }: Call): void {
  const isWanted = chooser(query.filters(['label', 'label!', 'until']), new Date());
  const removed = engine.networks.prune(({ labels, createdAt }) => isWanted(labels, createdAt), (network) => isNeeded(engine, network));
  answerJson(response, 200, { NetworksDeleted: removed.length === 0 ? null : removed });
}
