// What a connection asks for that its network can never give: said before anything is made, in dockerd's words.
import { fail } from '../base/index.ts';
import { driverOptionComplaints } from './endpoint.ts';
import { addressOf, blockOf, isWithin } from './ipam/block.ts';
import { listed } from './ipam/subnets.ts';
import { isPredefined } from './names.ts';
import type { Connection, NetworkRecord } from './network.ts';
import type { Room } from './room.ts';

/** @throws `not_found`; `denied` for a config-only one; `invalid`: "invalid endpoint settings:" and what is wrong, one a line */
export function checkConnection(room: Room, connection: Connection): NetworkRecord {
  const network = room.shelf.get(connection.network);
  if (network.configOnly) throw fail('denied', `cannot connect to network ${network.name}: configuration networks cannot be used`, { hint: `Make a network of it: estiva network create --config-from ${network.name} NAME` });
  const complaints = [...addressComplaints(network, connection), ...driverOptionComplaints(connection)];
  if (complaints.length > 0) throw fail('invalid', `invalid endpoint settings:\n${listed(complaints)}`);
  return network;
}

function addressComplaints(network: NetworkRecord, { ipv4, ipv6, linkLocal, aliases }: Connection): readonly string[] {
  const asked = [['IPv4', ipv4], ['IPv6', ipv6]] as const;
  const hasChosen = asked.some(([, text]) => text !== undefined);
  const isOwn = isPredefined(network.name);
  const linkLocals = linkLocal.flatMap((text) => (addressOf(text) === undefined ? [`invalid link-local IP address: ${text.slice(0, 100)}`] : []));
  if (isOwn) {
    return [
      ...hasChosen ? ['user specified IP address is supported on user defined networks only'] : [],
      ...aliases.length > 0 ? ['network-scoped aliases are only supported for user-defined networks'] : [], ...linkLocals,
    ];
  }
  return [...asked.flatMap(([family, text]) => (text === undefined ? [] : complaintsOf(network, family, text))), ...linkLocals];
}

function complaintsOf({ ipam: { subnets } }: NetworkRecord, family: 'IPv4' | 'IPv6', text: string): readonly string[] {
  const address = addressOf(text);
  const isOfFamily = address?.family === (family === 'IPv4' ? 4 : 6);
  const chosen = subnets.filter(({ subnet, isAutomatic }) => isAutomatic !== true && blockOf(subnet).family === (family === 'IPv4' ? 4 : 6));
  const why = chosen.length === 0 ? 'user specified IP address is supported only when connecting to networks with user configured subnets'
    : address === undefined || !chosen.some(({ subnet }) => isWithin(blockOf(subnet), address)) ? `no configured subnet or ip-range contain the IP address ${text.slice(0, 100)}` : undefined;
  return [...isOfFamily ? [] : [`invalid ${family} address: ${text.slice(0, 100)}`], ...why === undefined ? [] : [why]];
}
