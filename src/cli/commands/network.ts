// network: connect, create, disconnect, inspect, ls, prune, rm.
import { connectNetwork, createNetwork, disconnectNetwork, inspectNetworkText, listNetworks, pruneNetworks, removeNetwork } from '../../client/index.ts';
import type { NetworkView } from '../../spec/docker/network.ts';
import { defineCommand } from '../command.ts';
import { confirms } from '../confirm.ts';
import { link } from '../create/networks.ts';
import { pair } from '../create/values.ts';
import { forEach } from '../each.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { printRows, type Listing, type Row } from '../format.ts';
import { inspectObjects } from '../inspect.ts';
import { subnetsOf } from '../subnets.ts';
import { commaList } from '../comma-list.ts';
import { say, warn } from '../session.ts';

const listing: Listing = {
  columns: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
  heads: { CreatedAt: 'CREATED AT', Driver: 'DRIVER', ID: 'NETWORK ID', IPv4: 'IPV4', IPv6: 'IPV6', Internal: 'INTERNAL', Labels: 'LABELS', Name: 'NAME', Scope: 'SCOPE' },
  typeName: '*network.networkContext',
};

export const ls = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List networks',
  aliases: ['network ls', 'network list'],
  examples: [['network ls --filter dangling=true', 'those that no container is in'], ['network ls --format \'{{.Name}} {{.IPv6}}\'', 'your own columns']],
  flags: {
    filter: flag.list('f', 'filter', 'Only those that match (driver=bridge, label=key, type=custom, dangling=true, …)', parseFilter),
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    'no-trunc': flag.on('', 'Do not shorten'),
    quiet: flag.on('q', 'Only ids'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const networks = await listNetworks(session.docker, filtersOf(values.filter));
    const format = values.format ?? (values.quiet ? undefined : session.config.setting('networksFormat'));
    const isQuiet = values.quiet && (format ?? 'table') === 'table';
    const byName = new Intl.Collator('en', { numeric: true });
    const rows = [...networks].sort((a, b) => byName.compare(a.Name, b.Name)).map((network) => rowOf(network, !values['no-trunc']));
    printRows(session, isQuiet ? '{{.ID}}' : format, listing, rows);
    return 0;
  },
});

function rowOf({ Created, Driver, Id, EnableIPv4, EnableIPv6, Internal, Labels, Name, Scope }: NetworkView, isTruncated: boolean): Row {
  const labels = Labels ?? {};
  return {
    CreatedAt: goTime(Created), Driver, ID: isTruncated ? Id.slice(0, 12) : Id, IPv4: String(EnableIPv4), IPv6: String(EnableIPv6), Internal: String(Internal),
    Labels: Object.entries(labels).map(([key, value]) => `${key}=${value}`).sort().join(','), Name, Scope,
    Label: (name: unknown) => labels[String(name)] ?? '',
  };
}

/** As Go writes times: `2026-11-24 15:41:34.211 +0000 UTC`. */
function goTime(text: string): string {
  return `${text.replace('T', ' ').replace(/(\.\d*?)0*Z$/, '$1').replace(/[.Z]$/, '')} +0000 UTC`;
}

export const inspect = defineCommand({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  summary: 'Display detailed information on one or more networks',
  examples: [['network inspect --format \'{{range .Containers}}{{.Name}} {{.IPv4Address}} {{end}}\' front', 'who is in it']],
  flags: {
    format: flag.text('f', 'string', 'Template for each object, or \'json\''),
    verbose: flag.on('v', 'Also what helps with finding faults'),
  },
  operands: { min: 1 },
  run: ({ values: { format, verbose }, operands, session }) => inspectObjects(session, operands, format, (name) => inspectNetworkText(session.docker, name, { verbose })),
});

export const create = defineCommand({
  usage: '[OPTIONS] NETWORK',
  summary: 'Create a network',
  examples: [
    ['network create front', 'containers in it find each other by name'],
    ['network create --subnet 10.5.0.0/24 --gateway 10.5.0.254 --ipv6 back', 'with addresses of your choice'],
    ['network create --internal db', 'nothing goes out of it, nothing comes in'],
  ],
  flags: {
    attachable: flag.on('', 'Said back by inspect; of meaning only to swarms'),
    'aux-address': flag.list('', 'map', 'Address that no container gets (name=address)', pair),
    'config-from': flag.text('', 'string', 'Take the settings of this config-only network'),
    'config-only': flag.on('', 'Only keep settings, for others to take'),
    driver: flag.text('d', 'string', 'bridge, macvlan or ipvlan'),
    gateway: commaList('strings', 'Address of the router, in a subnet'),
    ingress: flag.on('', 'For swarms'),
    internal: flag.on('', 'Nothing goes out of it, nothing comes in'),
    'ip-range': commaList('strings', 'Give addresses only from this part of a subnet'),
    'ipam-driver': flag.text('', 'string', 'Who gives addresses: default'),
    'ipam-opt': flag.list('', 'map', 'Option of the IPAM driver (key=value)', pair),
    ipv4: flag.choice('', 'Give IPv4 addresses (as long as it is not --ipv4=false)'),
    ipv6: flag.choice('', 'Give IPv6 addresses'),
    label: flag.list('', 'list', 'Put a label on the network (key=value)', pair),
    opt: flag.list('o', 'map', 'Option of the driver (key=value)', pair),
    scope: flag.text('', 'string', 'local'),
    subnet: commaList('strings', 'Subnet in CIDR form; 0.0.0.0/24: any one of that size'),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [Name = ''], session }) {
    const { Id, Warning } = await createNetwork(session.docker, {
      Name, Driver: values.driver ?? 'bridge',
      ...values.scope === undefined ? {} : { Scope: values.scope }, ...values.ipv4 === undefined ? {} : { EnableIPv4: values.ipv4 }, ...values.ipv6 === undefined ? {} : { EnableIPv6: values.ipv6 },
      IPAM: {
        Driver: values['ipam-driver'] ?? 'default', Options: Object.fromEntries(values['ipam-opt']),
        Config: subnetsOf({ subnets: values.subnet.flat(), ranges: values['ip-range'].flat(), gateways: values.gateway.flat(), auxiliary: values['aux-address'] }),
      },
      Internal: values.internal, Attachable: values.attachable, Ingress: values.ingress, ConfigOnly: values['config-only'],
      ...values['config-from'] === undefined ? {} : { ConfigFrom: { Network: values['config-from'] } },
      Options: Object.fromEntries(values.opt), Labels: Object.fromEntries(values.label),
    });
    if (Warning !== '') warn(session, `WARNING: ${Warning}`);
    say(session, Id);
    return 0;
  },
});

export const rm = defineCommand({
  usage: 'NETWORK [NETWORK...]',
  summary: 'Remove one or more networks',
  aliases: ['network rm', 'network remove'],
  flags: { force: flag.on('f', 'No failure when there is none of that name') },
  operands: { min: 1 },
  run: ({ values: { force }, operands, session }) => forEach(session, operands, { force }, async (name) => {
    await removeNetwork(session.docker, name);
    return name;
  }),
});

export const prune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove all unused networks',
  flags: {
    filter: flag.list('', 'filter', 'Only those that match (until=24h, label=key, label!=key=value)', parseFilter),
    force: flag.on('f', 'Do not ask'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    if (!values.force && !await confirms(session, 'WARNING! This will remove all custom networks not used by at least one container.')) return 0;
    const { NetworksDeleted } = await pruneNetworks(session.docker, filtersOf(values.filter));
    if ((NetworksDeleted ?? []).length > 0) say(session, `Deleted Networks:\n${NetworksDeleted!.join('\n')}\n`);
    return 0;
  },
});

export const connect = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Connect a container to a network',
  examples: [['network connect --alias db back postgres', 'found there as db, too'], ['network connect --ip 10.5.0.9 back web', 'with an address of your choice']],
  flags: {
    alias: commaList('strings', 'Name by which others in the network find it'),
    'driver-opt': commaList('strings', 'Option of the driver for this container (key=value)'),
    'gw-priority': flag.integer('', 'int', 'The highest of its networks is its way out'),
    ip: flag.text('', 'string', 'IPv4 address (172.30.100.104)'),
    ip6: flag.text('', 'string', 'IPv6 address (2001:db8::33)'),
    link: flag.list('', 'list', 'Find another container by an alias (name[:alias])', link),
    'link-local-ip': commaList('strings', 'Link-local address'),
  },
  operands: { min: 2, max: 2 },
  async run({ values, operands: [network = '', container = ''], session }) {
    await connectNetwork(session.docker, network, container, {
      IPAMConfig: { IPv4Address: values.ip ?? '', IPv6Address: values.ip6 ?? '', LinkLocalIPs: values['link-local-ip'].flat() },
      Links: values.link, Aliases: values.alias.flat(), DriverOpts: Object.fromEntries(values['driver-opt'].flat().map(pair)), GwPriority: values['gw-priority'] ?? 0,
    });
    return 0;
  },
});

export const disconnect = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Disconnect a container from a network',
  flags: { force: flag.on('f', 'Also from a network that is not there any more') },
  operands: { min: 2, max: 2 },
  async run({ values: { force }, operands: [network = '', container = ''], session }) {
    await disconnectNetwork(session.docker, network, container, { force });
    return 0;
  },
});
