// What a network and a published port are in the sets of the firewall.
import { nft, parseAddress } from '../../../kernel/index.ts';
import type { NetworkRecord, Protocol } from '../../network.ts';
import { bridgeOptions } from '../../options.ts';
import type { Forward } from '../fabric.ts';
import type { Entry, SetName } from './sets.ts';

/** Of a bridge network. */
export function entriesOfNetwork(network: NetworkRecord): readonly Entry[] {
  const settings = bridgeOptions(network.options);
  const name = nft.interfaceName(network.link);
  const pair = nft.join(name, name);
  const one = (set: SetName, isIn: boolean): readonly Entry[] => (isIn ? [{ set, key: name }] : []);
  return [
    ...one('bridges', true), ...one('internal', network.internal), { set: 'pairs', key: pair }, ...settings.icc ? [{ set: 'talking', key: pair } as const] : [],
    ...([4, 6] as const).flatMap((version) => {
      const mode = version === 4 ? settings.gatewayMode4 : settings.gatewayMode6;
      const isTranslated = !network.internal && settings.masquerade && (mode === 'nat' || mode === 'nat-unprotected');
      const leavesBy = isTranslated ? (version === 4 ? settings.hostAddress4 : settings.hostAddress6) : undefined;
      return [
        ...one(`masquerade${version}`, isTranslated && leavesBy === undefined), ...leavesBy === undefined ? [] : [{ set: `leaves${version}`, key: name, data: parseAddress(leavesBy).bytes } as const],
        ...one(`unprotected${version}`, !network.internal && mode === 'nat-unprotected'), ...one(`routed${version}`, !network.internal && mode === 'routed'),
      ];
    }),
  ];
}

/** Numbers of the protocols over IP. */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
const everywhere = { '0.0.0.0': true, '::': true } as Readonly<Record<string, true>>;

/** Of a port that the kernel publishes. */
export function entryOfForward({ protocol, hostAddress, hostPort, containerAddress, containerPort }: Forward): Entry {
  const target = parseAddress(containerAddress).bytes;
  const version = target.length === 4 ? 4 : 6;
  const over = nft.protocol(protocolNumbers[protocol]);
  if (hostPort === 0) return { set: `exposed${version}`, key: nft.join(target, over, nft.port(containerPort)) };
  const data = nft.join(target, nft.port(containerPort));
  return everywhere[hostAddress] ? { set: `anyports${version}`, key: nft.join(over, nft.port(hostPort)), data }
    : { set: `ports${version}`, key: nft.join(parseAddress(hostAddress).bytes, over, nft.port(hostPort)), data };
}
