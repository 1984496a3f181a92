// The subnets of a network that is to be: what was asked for, checked in Docker's words, and what was not asked for, chosen.
import { fail, type EstivaError } from '../../base/index.ts';
import type { CreateNetworkRequest, Driver, NetworkRecord, Subnet } from '../network.ts';
import { addressOf, bitsOf, blockText, isWithin, overlap, prefixedOf, type Block, type Family } from './block.ts';
import { freeSubnet4, freeSubnet6 } from './default-pools.ts';
import { AddressPool } from './pool.ts';

type AskedSubnet = CreateNetworkRequest['ipam']['subnets'][number];

/** Whose blocks must be kept clear. */
export interface Neighbours {
  readonly engineId: string;
  /** Of other networks. */
  readonly networks: readonly { readonly block: Block; readonly network: NetworkRecord }[];
  /** Addresses and routes of the host: only what we choose ourselves must not overlap with them. */
  readonly host: readonly Block[];
}

export interface SubnetsRequest {
  readonly subnets: readonly AskedSubnet[];
  readonly driver: Driver;
  readonly families: readonly Family[];
  /** Whether there is a router: with Docker's automatic address when none is named. */
  readonly needsGateway: boolean;
}

/** @throws `invalid` for what cannot be read, `denied` for what overlaps */
export function settleSubnets({ subnets, driver, families, needsGateway }: SubnetsRequest, neighbours: Neighbours): readonly Subnet[] {
  checkSubnets(subnets);
  const settled: Subnet[] = [];
  for (const family of families) {
    const asked = subnets.filter(({ subnet }) => prefixedOf(subnet)!.block.family === family);
    if (driver === 'bridge' && asked.length > 1) throw fail('denied', "bridge driver doesn't support multiple subnets", { hint: 'One of each family; make a network for each of the others' });
    if (asked.length === 0) settled.push(withGateway(chosen(family, undefined, settled, neighbours), needsGateway));
    for (const one of asked) settled.push(withGateway(isSizeOnly(one) ? chosen(family, prefixedOf(one.subnet)!.block.prefix, settled, neighbours) : claimed(one, settled, neighbours), needsGateway));
  }
  return settled;
}

/** The subnets of a config-only network: read, and kept for those that use it. @throws `invalid` */
export function keepSubnets(asked: readonly AskedSubnet[]): readonly Subnet[] {
  checkSubnets(asked);
  return asked.map(subnetOf);
}

/** Collects all complaints, as dockerd does. */
function checkSubnets(asked: readonly AskedSubnet[]): void {
  const complaints = asked.flatMap(complaintsOf);
  if (complaints.length > 0) throw fail('invalid', `invalid network config:\n${listed(complaints)}`);
}

/** Several complaints, each on a line of its own; one stands alone. */
export function listed(complaints: readonly string[]): string {
  return complaints.length === 1 ? complaints[0]! : complaints.map((complaint) => `* ${complaint}`).join('\n');
}

function complaintsOf({ subnet, range, gateway, auxiliary }: AskedSubnet): readonly string[] {
  const parsed = prefixedOf(subnet);
  if (parsed === undefined) return [`invalid subnet ${shown(subnet)}: invalid CIDR block notation`];
  const { block } = parsed;
  const notWithin = (what: string): string => `parent subnet ${blockText(block)} doesn't contain ${what}`;
  const complaint = (text: string): readonly string[] => {
    const address = addressOf(text);
    return address === undefined ? ['invalid address'] : isWithin(block, address) || isUnspecified(block) ? [] : [notWithin('this address')];
  };
  return [
    ...parsed.address.value === block.first ? [] : [`invalid subnet ${subnet}: it should be ${blockText(block)}`],
    ...range === '' ? [] : rangeComplaints(range, block).map((why) => `invalid ip-range ${shown(range)}: ${why}`),
    ...gateway === '' ? [] : complaint(gateway).map((why) => `invalid gateway ${shown(gateway)}: ${why}`),
    ...Object.entries(auxiliary).flatMap(([name, address]) => complaint(address).map((why) => `invalid auxiliary address ${shown(name)}: ${why}`)),
    ...isUnspecified(block) && (range !== '' || gateway !== '' || Object.keys(auxiliary).length > 0) ? [`invalid subnet ${subnet}: addresses cannot be chosen in a subnet that is not known yet`] : [],
  ];
}

function rangeComplaints(range: string, subnet: Block): readonly string[] {
  const parsed = prefixedOf(range);
  if (parsed === undefined) return ['invalid CIDR block notation'];
  if (parsed.block.family !== subnet.family || !isUnspecified(subnet) && !overlap(parsed.block, subnet)) return [`parent subnet ${blockText(subnet)} doesn't contain ip-range`];
  if (parsed.block.prefix < subnet.prefix) return [`CIDR block is bigger than its parent subnet ${blockText(subnet)}`];
  return parsed.address.value === parsed.block.first ? [] : [`it should be ${blockText(parsed.block)}`];
}

function shown(text: string): string {
  return text.slice(0, 100);
}

/** `0.0.0.0/24`: any one of that size. */
function isSizeOnly({ subnet }: AskedSubnet): boolean {
  return isUnspecified(prefixedOf(subnet)!.block);
}

function isUnspecified({ family, first, prefix }: Block): boolean {
  return first === 0n && prefix > 0 && prefix < bitsOf(family);
}

function subnetOf({ subnet, range, gateway, auxiliary }: AskedSubnet): Subnet {
  return { subnet: blockText(prefixedOf(subnet)!.block), range: range === '' ? undefined : range, gateway: gateway === '' ? undefined : gateway, auxiliary };
}

function claimed(asked: AskedSubnet, own: readonly Subnet[], { networks }: Neighbours): Subnet {
  const { block } = prefixedOf(asked.subnet)!;
  if (own.some(({ subnet }) => overlap(prefixedOf(subnet)!.block, block))) throw overlapping('Two subnets of the network overlap with each other');
  const other = networks.find((neighbour) => overlap(neighbour.block, block));
  if (other !== undefined) throw overlapping(`Network ${JSON.stringify(other.network.name)} has ${blockText(other.block)}`);
  return subnetOf(asked);
}

function overlapping(hint: string): EstivaError {
  return fail('denied', 'invalid pool request: Pool overlaps with other one on this address space', { hint });
}

function chosen(family: Family, prefix: number | undefined, own: readonly Subnet[], { engineId, networks, host }: Neighbours): Subnet {
  const others = [...networks.map(({ block }) => block), ...host, ...own.map(({ subnet }) => prefixedOf(subnet)!.block)];
  const subnet = family === 4 ? freeSubnet4(others, prefix) : freeSubnet6(engineId, others, prefix);
  if (subnet === undefined) throw fail('invalid', 'all predefined address pools have been fully subnetted', { hint: 'Name a subnet of your own (--subnet), or remove networks that nobody needs: estiva network prune' });
  return { subnet, auxiliary: {}, isAutomatic: true };
}

/** The gateway is the first address that may be given, of the range when there is one: as Docker has it. @throws `invalid` when its address, or an auxiliary one, cannot be given */
function withGateway(subnet: Subnet, needsGateway: boolean): Subnet {
  const pool = new AddressPool({ ...subnet, gateway: undefined, auxiliary: {} });
  const taken = (what: string): EstivaError => fail('invalid', `failed to allocate ${what}: Address already in use`, { hint: 'The first address of a subnet and the last one are its own' });
  if (subnet.gateway !== undefined && pool.claim(subnet.gateway) === undefined) throw taken(`gateway (${subnet.gateway})`);
  for (const [name, address] of Object.entries(subnet.auxiliary)) if (pool.claim(address) === undefined) throw taken(`secondary ip address (${name}:${address})`);
  if (subnet.gateway !== undefined || !needsGateway) return subnet;
  const gateway = pool.take();
  if (gateway === undefined) throw fail('invalid', `failed to allocate gateway (): no available addresses in ${subnet.subnet}`, { hint: 'Choose a larger subnet' });
  return { ...subnet, gateway };
}
