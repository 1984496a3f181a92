// The sets of our table. What changes lives in them, an element for each network and published port; the rules themselves never change. So a port more is
// one element more, and a packet costs the same with one network as with a thousand.
import { nft } from '../../../kernel/index.ts';

export const sets = {
  /** Every bridge of ours. */
  bridges: { key: ['ifname'] },
  /** Those that nothing leaves and nothing enters. */
  internal: { key: ['ifname'] },
  /** A bridge and the same bridge: what comes from it and goes to it. */
  pairs: { key: ['ifname', 'ifname'] },
  /** As `pairs`, of networks whose containers may talk to each other. */
  talking: { key: ['ifname', 'ifname'] },
  /** What leaves takes an address of this machine. */
  masquerade4: { key: ['ifname'] },
  masquerade6: { key: ['ifname'] },
  /** As masquerade, with an address that was chosen for it. */
  leaves4: { key: ['ifname'], data: ['ipv4_addr'] },
  leaves6: { key: ['ifname'], data: ['ipv6_addr'] },
  /** Gateway mode nat-unprotected: every port of its containers is open to whoever has a route. */
  unprotected4: { key: ['ifname'] },
  unprotected6: { key: ['ifname'] },
  /** Gateway mode routed: pings come in, and published ports. */
  routed4: { key: ['ifname'] },
  routed6: { key: ['ifname'] },
  /** Published ports of routed networks: the container's own address and port. */
  exposed4: { key: ['ipv4_addr', 'inet_proto', 'inet_service'] },
  exposed6: { key: ['ipv6_addr', 'inet_proto', 'inet_service'] },
  /** Published at one address of this machine: where to. */
  ports4: { key: ['ipv4_addr', 'inet_proto', 'inet_service'], data: ['ipv4_addr', 'inet_service'] },
  ports6: { key: ['ipv6_addr', 'inet_proto', 'inet_service'], data: ['ipv6_addr', 'inet_service'] },
  /** Published at all of them. */
  anyports4: { key: ['inet_proto', 'inet_service'], data: ['ipv4_addr', 'inet_service'] },
  anyports6: { key: ['inet_proto', 'inet_service'], data: ['ipv6_addr', 'inet_service'] },
  /** The number of the address family, when it was this engine that made the machine forward its packets. */
  forwarding4: { key: ['inet_proto'] },
  forwarding6: { key: ['inet_proto'] },
} as const satisfies Record<string, nft.SetShape>;

export type SetName = keyof typeof sets;

/** One element of one set. */
export interface Entry {
  readonly set: SetName;
  readonly key: Uint8Array;
  readonly data?: Uint8Array | undefined;
}

/** An attribute of netlink holds 64 kB; this many of the longest elements are 48 kB. */
const elementsPerMessage = 400;

/** Makes them be there, whether they are or not. */
export function addEntries(table: nft.TableName, entries: readonly Entry[]) {
  return messages(entries, (set, part) => nft.addElements(table, set, part, { again: true }));
}

/** Makes them be gone, whether they are there or not: what is to be taken away is added first, within the same transaction. */
export function removeEntries(table: nft.TableName, entries: readonly Entry[]) {
  return [...addEntries(table, entries), ...messages(entries, (set, part) => nft.deleteElements(table, set, part))];
}

function messages<T>(entries: readonly Entry[], make: (set: SetName, part: readonly nft.Element[]) => T): readonly T[] {
  return [...Map.groupBy(entries, ({ set }) => set)].flatMap(([set, all]) => {
    const parts = Array.from({ length: Math.ceil(all.length / elementsPerMessage) }, (_, i) => all.slice(i * elementsPerMessage, (i + 1) * elementsPerMessage));
    return parts.map((part) => make(set, part));
  });
}
