// The link of this machine that macvlan and ipvlan networks sit on: an interface that is there, a VLAN of one (`eth0.50`), or for a network of this machine
// alone a link that leads nowhere. What was made for a network goes with it; an interface of the machine's own stays as it is.
import { fail } from '../../base/index.ts';
import { isKernelError, route, type Message, type Netlink } from '../../kernel/index.ts';
import type { NetworkRecord } from '../network.ts';
import { findLink, removeLinkElsewhere, type Failed } from './bridge.ts';
import { isMarked } from './mark.ts';

/** Docker's name for it. */
export function parentOf({ link, id }: NetworkRecord): string {
  return link === '' ? `dm-${id.slice(0, 12)}` : link;
}

/** @throws `invalid`, `unsupported` */
export function makeParent(netlink: Netlink, network: NetworkRecord, mark: string): void {
  const name = parentOf(network);
  const found = findLink(netlink, name);
  if (found !== undefined) {
    netlink.send([route.setLink(found.index, { up: true })]);
    return;
  }
  const make = network.link === '' ? [route.newDummy({ name })] : [newVlanNamed(netlink, name)];
  try {
    netlink.send([...make, route.setLink(name, { alias: mark }), route.setLink(name, { up: true })]);
  } catch (error) {
    if (isKernelError(error, 'EOPNOTSUPP')) throw noModule(network.link === '' ? 'dummy' : '8021q', name, error);
    throw error;
  }
}

function newVlanNamed(netlink: Netlink, name: string): Message {
  const [, parentName = '', id = ''] = /^(.+)\.(\d{1,4})$/.exec(name) ?? [];
  if (parentName === '' || Number(id) < 1 || Number(id) > 4094) throw fail('invalid', `invalid subinterface vlan name ${name}, example formatting is eth0.10`, { hint: `There is no interface ${name} on this machine` });
  const parent = findLink(netlink, parentName);
  if (parent === undefined) throw fail('invalid', `-o parent interface was not found on the host: ${parentName}`, { hint: '`ip link` lists the interfaces of this machine' });
  return route.newVlan({ name }, parent.index, Number(id));
}

export function noModule(module: string, what: string, cause: unknown): Error {
  return fail('unsupported', `Cannot make ${what}: this kernel has no ${module}`, { hint: `Where it is a module, \`modprobe ${module}\` loads it`, cause });
}

/** Only what was made for this very network. */
export function removeParent(netlink: Netlink, network: NetworkRecord, engineId: string, failed: Failed): void {
  const found = findLink(netlink, parentOf(network));
  if (found !== undefined && isMarked(engineId, found) && found.alias.endsWith(network.id)) removeLinkElsewhere(netlink, found.name, failed);
}
