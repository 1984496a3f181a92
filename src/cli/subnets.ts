// --subnet, --ip-range, --gateway and --aux-address come as four lists: here each range and address finds its subnet.
import { BlockList, isIP } from 'node:net';
import type { IpamConfig } from '../spec/docker/network.ts';
import { Exit } from './errors.ts';

export interface SubnetFlags {
  readonly subnets: readonly string[];
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
  readonly auxiliary: readonly (readonly [name: string, address: string])[];
}

/** @throws Exit in the words of Docker's client. What is wrong with a value by itself the daemon says. */
export function subnetsOf({ subnets, ranges, gateways, auxiliary }: SubnetFlags): readonly IpamConfig[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) throw new Exit(1, 'every ip-range or gateway must have a corresponding subnet');
  const configs = new Map<string, { Subnet: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> }>();
  for (const subnet of subnets) {
    if ([...configs.keys()].some((other) => contains(other, subnet) || contains(subnet, other))) throw new Exit(1, 'multiple overlapping subnet configuration is not supported');
    configs.set(subnet, { Subnet: subnet });
  }
  const find = (address: string): NonNullable<ReturnType<typeof configs.get>> | undefined => [...configs].find(([subnet]) => contains(subnet, address))?.[1];
  for (const range of ranges) {
    const config = find(range);
    if (config === undefined) throw new Exit(1, `no matching subnet for range ${range}`);
    if (config.IPRange !== undefined) throw new Exit(1, `cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`);
    config.IPRange = range;
  }
  for (const gateway of gateways) {
    const config = find(gateway);
    if (config === undefined) throw new Exit(1, `no matching subnet for gateway ${gateway}`);
    if (config.Gateway !== undefined) throw new Exit(1, `cannot configure multiple gateways (${gateway}, ${config.Gateway}) for the same subnet (${config.Subnet})`);
    config.Gateway = gateway;
  }
  for (const [name, address] of auxiliary) {
    const config = find(address);
    if (config === undefined) throw new Exit(1, `no matching subnet for aux-address ${address}`);
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address };
  }
  return [...configs.values()];
}

/** Whether an address, or the first address of a block, lies in the subnet. */
function contains(subnet: string, inner: string): boolean {
  const [base = '', length = ''] = subnet.split('/', 2);
  const [address = ''] = inner.split('/', 1);
  const version = isIP(base);
  if (version === 0 || isIP(address) !== version || !/^\d+$/.test(length) || Number(length) > (version === 4 ? 32 : 128)) return subnet === inner;
  const block = new BlockList();
  const family = version === 4 ? 'ipv4' : 'ipv6';
  block.addSubnet(base, Number(length), family);
  return block.check(address, family);
}
