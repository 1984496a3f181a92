// `--network` and what goes with it (addresses, aliases, links): from flags to a network mode and to what is asked of each network, as Docker's
// client sends it. The words of the short flags are about the first network.
import type { CreateBody } from '../../client/index.ts';
import type { EndpointSettings } from '../../spec/docker/container.ts';
import { Complaint } from '../errors.ts';
import { FlagError } from '../flags.ts';

type Endpoint = Partial<EndpointSettings>;

/** One `--network`: a name alone, or `name=…,alias=…,ip=…`. */
export interface NetworkOption {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly linkLocal: readonly string[];
  readonly mac: string;
  readonly gatewayPriority: number;
}

export function networkOption(text: string): NetworkOption {
  const plain: NetworkOption = { name: text, aliases: [], driverOptions: {}, ipv4: '', ipv6: '', linkLocal: [], mac: '', gatewayPriority: 0 };
  if (!/^[^=,]+=[^=]/.test(text)) return plain;
  const option = text.split(',').map(fieldOf).reduce(withField, { ...plain, name: '' });
  if (option.name === '') throw new FlagError('network name/id is not specified');
  return option;
}

type Field = readonly [key: string, value: string];

function fieldOf(field: string): Field {
  const at = field.indexOf('=');
  if (at < 0) throw new FlagError(`invalid field ${field}`);
  return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()];
}

function withField(option: NetworkOption, [key, value]: Field): NetworkOption {
  switch (key) {
    case 'name': return { ...option, name: value };
    case 'alias': return { ...option, aliases: [...option.aliases, value] };
    case 'ip': return { ...option, ipv4: value };
    case 'ip6': return { ...option, ipv6: value };
    case 'mac-address': return { ...option, mac: value };
    case 'link-local-ip': return { ...option, linkLocal: [...option.linkLocal, value] };
    case 'driver-opt': return { ...option, driverOptions: { ...option.driverOptions, ...driverOption(value) } };
    case 'gw-priority':
      if (!/^[+-]?\d+$/.test(value)) throw new FlagError(`invalid gw-priority (${value}): invalid syntax`);
      return { ...option, gatewayPriority: Number(value) };
    default: throw new FlagError(`invalid field key ${key}`);
  }
}

function driverOption(text: string): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at <= 0) throw new FlagError('invalid key value pair format in driver options');
  return { [text.slice(0, at).toLowerCase()]: text.slice(at + 1) };
}

/** `container`, `container:alias`. */
export function link(text: string): string {
  if (text === '' || text.split(':').length > 2) throw new FlagError(`bad format for links: ${text}`);
  return text;
}

/** The flags that speak of the first network. */
export interface FirstNetworkFlags {
  readonly 'network-alias': readonly string[];
  readonly 'net-alias': readonly string[];
  readonly ip: string | undefined;
  readonly ip6: string | undefined;
  readonly 'mac-address': string | undefined;
  readonly 'link-local-ip': readonly string[];
  readonly link: readonly string[];
}

/** @throws Complaint in the words of Docker's client */
export function networkingOf(networks: readonly NetworkOption[], values: FirstNetworkFlags): { readonly mode: string; readonly config: NonNullable<CreateBody['NetworkingConfig']> } {
  checkNames(networks);
  const isDefault = networks.length === 0;
  const [asked = networkOption('default'), ...others] = networks;
  const first = withFlags(asked, values);
  const endpoints = [first, ...others].map((option, at) => [option.name, endpointOf(option, at === 0 && isUserDefined(option.name) ? values.link : [])] as const);
  const isSilent = !isDefault && others.length === 0 && Object.keys(endpoints[0]![1]).length === 0;
  return { mode: first.name, config: { EndpointsConfig: isSilent ? {} : Object.fromEntries(endpoints) } };
}

function checkNames(networks: readonly NetworkOption[]): void {
  const names = networks.map(({ name }) => name);
  if (names.includes('')) throw new Complaint('no name set for network');
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new Complaint(`network ${JSON.stringify(twice)} is specified multiple times`);
  if (names.length > 1 && names.some((name) => !isUserDefined(name))) throw new Complaint('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
}

function isUserDefined(name: string): boolean {
  return !['default', 'bridge', 'host', 'none'].includes(name) && !name.startsWith('container:');
}

function withFlags(first: NetworkOption, values: FirstNetworkFlags): NetworkOption {
  const both = (isTwice: boolean, flag: string, what: string): void => {
    if (isTwice) throw new Complaint(`conflicting options: cannot specify both --${flag} and per-network ${what}`);
  };
  const { ip = '', ip6 = '', 'mac-address': mac = '', 'link-local-ip': linkLocal } = values;
  const aliases = [...values['network-alias'], ...values['net-alias']];
  both(aliases.length > 0 && first.aliases.length > 0, 'network-alias', 'alias');
  both(ip !== '' && first.ipv4 !== '', 'ip', 'IPv4 address');
  both(ip6 !== '' && first.ipv6 !== '', 'ip6', 'IPv6 address');
  both(linkLocal.length > 0 && first.linkLocal.length > 0, 'link-local-ip', 'link-local IP addresses');
  both(mac !== '' && first.mac !== '', 'mac-address', 'MAC address');
  return {
    ...first, aliases: [...first.aliases, ...aliases], ipv4: first.ipv4 || ip, ipv6: first.ipv6 || ip6, linkLocal: [...first.linkLocal, ...linkLocal], mac: first.mac || mac,
  };
}

/** What is not asked for is left out. */
function endpointOf({ name, aliases, driverOptions, ipv4, ipv6, linkLocal, mac, gatewayPriority }: NetworkOption, links: readonly string[]): Endpoint {
  if (aliases.length > 0 && !isUserDefined(name)) throw new Complaint('network-scoped aliases are only supported for user-defined networks');
  if (mac !== '' && !/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac)) throw new Complaint(`${mac} is not a valid mac address`);
  const addresses = ipv4 !== '' || ipv6 !== '' || linkLocal.length > 0;
  return {
    ...(addresses ? { IPAMConfig: { IPv4Address: ipv4, IPv6Address: ipv6, LinkLocalIPs: linkLocal } } : {}),
    ...(links.length === 0 ? {} : { Links: links }),
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(mac === '' ? {} : { MacAddress: mac }),
    ...(Object.keys(driverOptions).length === 0 ? {} : { DriverOpts: driverOptions }),
    ...(gatewayPriority === 0 ? {} : { GwPriority: gatewayPriority }),
  };
}
