// The networks of an engine that has none but `none` and `host`, until the room of networks is opened here.
import { fail } from '../base/index.ts';
import type { NetworkId, NetworkRecord, Networks } from '../network/index.ts';

export function noNetworks(): Networks {
  const known = [predefined('host', 'host'), predefined('none', 'null')];
  const refuse = (): never => { throw fail('unsupported', 'Networks come later', { hint: 'Use --network none, host or container:…' }); };
  const get = (name: string): NetworkRecord => {
    const found = known.find((network) => network.name === name);
    if (found === undefined) throw fail('not_found', `network ${name} not found`);
    return found;
  };
  return {
    get, list: () => known, create: refuse, remove: refuse, prune: refuse, usage: () => [], members: () => [], check: ({ network }) => get(network),
    join: async () => refuse(), connect: async () => refuse(), disconnect: async () => refuse(), publish: async () => refuse(), unpublish: async () => refuse(),
    rename: () => undefined, leave: () => undefined, restore: () => undefined, reconcile: () => undefined, [Symbol.asyncDispose]: async () => undefined,
  };
}

function predefined(name: string, driver: 'host' | 'null'): NetworkRecord {
  return {
    id: (name === 'host' ? '1' : '0').repeat(64) as NetworkId, name, createdAt: new Date(0), driver, ipv4: true, ipv6: false, internal: false, attachable: false, configOnly: false, configFrom: '',
    ipam: { driver: 'default', options: null, subnets: [] }, options: {}, labels: {}, link: '',
  };
}
