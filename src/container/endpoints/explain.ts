// What is done for a container's network before its program is launched, in words: the first steps of `--explain`.
import type { PortRequest } from '../../network/index.ts';
import type { ContainerRecord, ExplainedStep } from '../container.ts';
import { hasLinks } from './connections.ts';
import { portRequestsOf } from './published.ts';

export function explainNetwork(record: ContainerRecord): readonly ExplainedStep[] {
  if (!hasLinks(record)) return [];
  const { connections, config, hostConfig } = record;
  const links = connections.map(({ network, ipv4, ipv6 }): ExplainedStep => {
    const addresses = [ipv4, ipv6].filter((address) => address !== undefined);
    return { call: 'netlink', text: `network ${JSON.stringify(network)}, ${addresses.length === 0 ? 'the next free address' : addresses.join(' and ')}`, why: 'a link into that namespace, its address, its routes; the host\'s end joins the network' };
  });
  const ports = portRequestsOf(hostConfig, config.ExposedPorts).map((port): ExplainedStep => ({ call: 'nf_tables', text: portInWords(port), why: 'a published port: one element of a map' }));
  return [{ call: 'supervisor', text: 'a new network namespace', why: 'which was made before anybody asked; lo is up' }, ...links, ...ports];
}

function portInWords({ protocol, containerPort, hostAddress, hostPorts: [first, last] }: PortRequest): string {
  const host = first === 0 ? 'any free port' : first === last ? String(first) : `${first}-${last}`;
  return `${hostAddress === '' ? 'every address' : hostAddress}, ${host} → ${containerPort}/${protocol}`;
}
