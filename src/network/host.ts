// What networks must know of the host: addresses that are its own already, and names of links that others have.
import { isKernelError, NETLINK_ROUTE, Netlink, route, AF_INET, AF_INET6 } from '../kernel/index.ts';
import { prefixedOf, type Block } from './ipam/block.ts';
import { lookAtHostPorts } from './ports/host-ports.ts';
import type { HostPorts } from './ports/ports.ts';

export interface Host {
  /** Blocks that its addresses and routes lead to, without those of links that `isOurs`. */
  blocks(isOurs: (link: string) => boolean): readonly Block[];
  /** The alias of the link of that name; undefined when there is no such link. */
  aliasOf(link: string): string | undefined;
  /** As they are now. */
  ports(): HostPorts;
}

export const thisHost: Host = {
  blocks(isOurs) {
    using netlink = new Netlink(NETLINK_ROUTE);
    const names = new Map(route.listLinks(netlink).map(({ index, name }) => [index, name]));
    const routes = [AF_INET, AF_INET6].flatMap((family) => route.listRoutes(netlink, family as typeof AF_INET));
    const all = [...route.listAddresses(netlink).map(({ link, address }) => ({ link, text: address })), ...routes.map(({ link, to }) => ({ link, text: to }))];
    return all.filter(({ link }) => !isOurs(names.get(link) ?? '')).flatMap(({ text }) => prefixedOf(text)?.block ?? []);
  },
  aliasOf(link) {
    using netlink = new Netlink(NETLINK_ROUTE);
    try {
      return route.linkNamed(netlink, link).alias;
    } catch (error) {
      if (isKernelError(error, 'ENODEV')) return undefined;
      throw error;
    }
  },
  ports: lookAtHostPorts,
};
