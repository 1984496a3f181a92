// The body of `POST /networks/create`, from JSON to a typed request. Whether such a network can be is the network room's to say.
import { decode, fail } from '../base/index.ts';
import type { CreateNetworkRequest } from '../engine/index.ts';
import { isNothing } from './not-yet.ts';

const { boolean, dictionary, flag, list, mapped, nullable, object, optional, text } = decode;

const body = object({
  Name: text, Driver: text, Scope: text, EnableIPv4: optional(boolean), EnableIPv6: optional(boolean), Internal: flag, Attachable: flag, Ingress: flag, ConfigOnly: flag, CheckDuplicate: flag,
  ConfigFrom: object({ Network: text }), Options: dictionary(text), Labels: dictionary(text),
  IPAM: object({ Driver: text, Options: nullable(dictionary(text)), Config: list(object({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: dictionary(text) })) }),
});

/** @throws `invalid` for what does not decode, `denied` for networks of several machines */
export const networkRequest: decode.Decode<CreateNetworkRequest> = mapped(body, ({ Name, Driver, Scope, EnableIPv4, EnableIPv6, Internal, Attachable, Ingress, ConfigOnly, ConfigFrom, Options, Labels, IPAM }) => {
  const isOfMachine = isNothing(Scope) || Scope === 'local';
  if (Ingress) throw fail('denied', 'Ingress network can only be global scope network');
  if (Scope === 'swarm') throw fail('denied', 'cannot create a swarm scoped network when swarm is not active');
  if (!isOfMachine) throw fail('invalid', `invalid network scope: ${Scope.slice(0, 100)}`, { hint: 'Networks are of this machine: local' });
  return {
    name: Name, driver: Driver, ipv4: EnableIPv4 ?? true, ipv6: EnableIPv6, internal: Internal, attachable: Attachable, configOnly: ConfigOnly, configFrom: ConfigFrom.Network, options: Options, labels: Labels,
    ipam: { driver: IPAM.Driver, options: IPAM.Options, subnets: IPAM.Config.map(({ Subnet, IPRange, Gateway, AuxiliaryAddresses }) => ({ subnet: Subnet, range: IPRange, gateway: Gateway, auxiliary: AuxiliaryAddresses })) },
  };
});
