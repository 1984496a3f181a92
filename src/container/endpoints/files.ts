// A container's /etc/hosts and /etc/resolv.conf as its networks have it: when it starts, and as networks come and go while it runs.
import type { Endpoint, Membership, Networks } from '../../network/index.ts';
import type { ContainerConfig } from '../../spec/docker/container.ts';
import type { ContainerRecord } from '../container.ts';
import { changeHosts, writeIdentityFiles, changeResolvConf, type Identity } from '../identity-files.ts';
import { linkedHosts } from '../links.ts';
import type { Room } from '../room.ts';

/** Of a container that is made, or starts without links. */
export function identityOf(networks: Networks, { config, hostConfig }: Pick<ContainerRecord, 'config' | 'hostConfig'>): Identity {
  const asksForGateway = (hostConfig.ExtraHosts ?? []).some((entry) => entry.endsWith(':host-gateway'));
  const hostGateways = asksForGateway ? networks.get('bridge').ipam.subnets.flatMap(({ gateway }) => gateway ?? []) : [];
  return { config, hostConfig, hostGateways, resolv: hostConfig.NetworkMode === 'host' ? 'host' : 'plain', addresses: [] };
}

export function writeNetworkFiles(room: Room, record: ContainerRecord, { endpoints, hasResolver }: Membership): void {
  const identity = identityOf(room.networks, record);
  writeIdentityFiles(room.storage.containerDir(record.id), {
    ...identity, resolv: hasResolver ? 'resolver' : identity.resolv, addresses: [...linkedHosts(room, record), ...endpoints.flatMap((endpoint) => addressLines(record.config, endpoint))],
  });
}

export function changeNetworkFiles(room: Room, { id, config, hostConfig }: ContainerRecord, before: Membership, after: Membership): void {
  const dir = room.storage.containerDir(id);
  const linesOf = ({ endpoints }: Membership): readonly string[] => endpoints.flatMap((endpoint) => addressLines(config, endpoint));
  const [had, has] = [linesOf(before), linesOf(after)];
  changeHosts(dir, (line) => had.includes(line) && !has.includes(line), has.filter((line) => !had.includes(line)));
  if (before.hasResolver !== after.hasResolver) changeResolvConf(dir, { hostConfig, resolv: after.hasResolver ? 'resolver' : 'plain' });
}

/** `172.17.0.2	name.domain name`: an address, and what the container calls itself. */
function addressLines({ Hostname, Domainname }: ContainerConfig, { ipv4, ipv6 }: Endpoint): readonly string[] {
  const whole = Domainname === '' ? Hostname : `${Hostname}.${Domainname}`;
  const short = whole.split('.', 1)[0]!;
  const names = short === whole ? whole : `${whole} ${short}`;
  return [ipv4, ipv6].flatMap((address) => (address === undefined ? [] : `${address.split('/', 1)[0]}\t${names}`));
}
