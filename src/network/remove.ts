// remove and prune: the record goes first, then the links; what a crash in between leaves is cleared at the next start.
import { fail } from '../base/index.ts';
import { isPredefined } from './names.ts';
import type { NetworkRecord } from './network.ts';
import { membersOf, type Room } from './room.ts';

/** @throws `denied` for a predefined one, and while somebody is in it or needs it */
export function removeNetwork(room: Room, network: NetworkRecord): void {
  const { id, name } = network;
  if (isPredefined(name)) throw fail('denied', `${name} is a pre-defined network and cannot be removed`);
  if (isConfigInUse(room, network)) throw fail('denied', `error while removing network: configuration network ${JSON.stringify(name)} is in use`);
  const active = membersOf(room, id).map(({ member, plugged }) => `name:${JSON.stringify(member.name)} id:${JSON.stringify(plugged.endpoint.id.slice(0, 12))}`);
  if (active.length > 0) throw fail('denied', `error while removing network: network ${name} has active endpoints (${active.join(', ')})`);
  room.shelf.delete(id);
  room.ipam.remove(id);
  room.made.delete(id);
  if (!network.configOnly) room.fabric.removeNetwork(network);
  room.tell({ kind: 'destroy', network });
}

/** The names of those that were removed. */
export function pruneNetworks(room: Room, isChosen: (network: NetworkRecord) => boolean, isNeeded: (network: NetworkRecord) => boolean): readonly string[] {
  const unused = room.shelf.list().filter((network) => !isPredefined(network.name) && isChosen(network) && !isNeeded(network) && !isConfigInUse(room, network) && membersOf(room, network.id).length === 0);
  for (const network of unused) removeNetwork(room, network);
  room.tell({ kind: 'prune' });
  return unused.map(({ name }) => name);
}

function isConfigInUse({ shelf }: Room, { configOnly, name, id }: NetworkRecord): boolean {
  return configOnly && shelf.list().some(({ configFrom }) => configFrom === name || configFrom === id);
}
