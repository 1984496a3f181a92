// Networks, endpoints and forwards as the room above hands them down.
import type { Endpoint, NetworkId, NetworkRecord } from '../network.ts';
import type { Forward } from './fabric.ts';

export function networkRecord(change: Partial<NetworkRecord> & { readonly number: number }): NetworkRecord {
  const { number, ...rest } = change;
  return {
    id: number.toString(16).padStart(2, '0').repeat(32) as NetworkId, name: `net${number}`, createdAt: new Date(0), driver: 'bridge', ipv4: true, ipv6: true, internal: false, attachable: false, configOnly: false,
    configFrom: '', ipam: { driver: 'default', options: null, subnets: [{ subnet: `172.30.${number}.0/24`, gateway: `172.30.${number}.1`, auxiliary: {} }, { subnet: `fd00:${number}::/64`, gateway: `fd00:${number}::1`, auxiliary: {} }] },
    options: {}, labels: {}, link: `br-test${number}`, ...rest,
  };
}

export function endpoint(network: NetworkRecord, number: number, change: Partial<Endpoint> = {}): Endpoint {
  const n = Number.parseInt(network.id.slice(0, 2), 16);
  return {
    id: `${network.id.slice(0, 60)}${number.toString(16).padStart(4, '0')}`, networkId: network.id, network: network.name, interface: 'eth0', hostLink: `ev${n}x${number}`, mac: `02:42:ac:1e:0${n}:0${number}`,
    ipv4: network.ipv4 ? `172.30.${n}.${number}/24` : undefined, ipv6: network.ipv6 ? `fd00:${n}::${number}/64` : undefined, linkLocal: [],
    gateway4: network.ipv4 ? `172.30.${n}.1` : undefined, gateway6: network.ipv6 ? `fd00:${n}::1` : undefined, dnsNames: [], ...change,
  };
}

export function forward(to: Endpoint, hostAddress: string, hostPort: number, containerPort: number, link: string, change: Partial<Forward> = {}): Forward {
  return { protocol: 'tcp', containerPort, hostAddress, hostPort, mode: 'nat', containerAddress: (hostAddress.includes(':') ? to.ipv6 : to.ipv4)!.split('/')[0]!, link, ...change };
}
