// Our table in nf_tables, `inet estiva-…`. It is made when the first network is, and every change is one transaction of the kernel.
import { conntrack, isKernelError, Netlink, NETLINK_NETFILTER, nft, parseAddress } from '../../../kernel/index.ts';
import { forwardingEntry, isForwarding, turnOnForwarding, wasTurnedOn } from '../forwarding.ts';
import type { Forward } from '../fabric.ts';
import { protocolNumbers } from './entries.ts';
import { ruleset, type Version } from './rules.ts';
import { addEntries, removeEntries, type Entry } from './sets.ts';

const tableNameBytes = 8;

export class Firewall implements Disposable {
  readonly table: nft.TableName;
  readonly #netlink = new Netlink(NETLINK_NETFILTER);
  #port: number | undefined;
  /** By this engine, in this life or an earlier one. */
  readonly #turnedOn: Record<Version, boolean>;

  constructor(engineId: string) {
    this.table = { family: 'inet', table: `estiva-${engineId.replaceAll(/[^0-9a-zA-Z]/g, '').slice(0, tableNameBytes).toLowerCase()}` };
    this.#turnedOn = { 4: wasTurnedOn(this.#netlink, this.table, 4), 6: wasTurnedOn(this.#netlink, this.table, 6) };
  }

  /** It is in the kernel, or has something to say without any network. */
  get isNeeded(): boolean {
    return this.#turnedOn[4] || this.#turnedOn[6] || nft.listTables(this.#netlink).some(({ family, table }) => family === this.table.family && table === this.table.table);
  }

  /** Whether that netlink socket is the one by which this firewall is changed. */
  isSender(port: number): boolean {
    return port === (this.#port ??= this.#netlink.port);
  }

  /** The machine forwards packets of that family from now on. */
  forward(version: Version): void {
    if (isForwarding(version)) return;
    // Closed before it is open.
    this.#turnedOn[version] = true;
    this.add([forwardingEntry(version)]);
    turnOnForwarding(version);
  }

  /** All of them; the table first, when it is not there. @throws KernelError, and nothing was changed */
  add(entries: readonly Entry[]): void {
    this.#change(addEntries(this.table, entries));
  }

  remove(entries: readonly Entry[]): void {
    this.#change(removeEntries(this.table, entries));
  }

  /** What was sent to these ports is not let through any more, also where it went on for long. Its address may soon be another container's. */
  forgetConnectionsTo(forwards: readonly Forward[]): void {
    for (const [address, closed] of Map.groupBy(forwards, ({ containerAddress }) => containerAddress)) {
      const ports = new Set(closed.map(({ protocol, containerPort }) => `${protocolNumbers[protocol]} ${containerPort}`));
      conntrack.forget(this.#netlink, conntrack.connectionsAnsweredBy(this.#netlink, address).filter(({ protocol, answerer, destination }) => destination.address !== address && ports.has(`${protocol} ${answerer.port}`)));
    }
  }

  /** Whoever sent datagrams there while nobody listened is sent to the container from now on: to the kernel it would be a connection that it knows already. */
  forgetDatagramsBefore(forwards: readonly Forward[]): void {
    for (const [family, opened] of Map.groupBy(forwards.filter(({ protocol }) => protocol === 'udp'), ({ containerAddress }) => parseAddress(containerAddress).family)) {
      const ports = new Map(opened.map(({ hostPort, containerAddress }) => [hostPort, containerAddress]));
      conntrack.forget(this.#netlink, conntrack.connectionsOver(this.#netlink, family, protocolNumbers.udp).filter(({ destination, answerer }) => ports.has(destination.port) && ports.get(destination.port) !== answerer.address));
    }
  }

  /** The whole table anew, with these in it and no others. No packet meets a half of it. */
  replace(entries: readonly Entry[]): void {
    nft.commit(this.#netlink, [...ruleset(this.table), ...addEntries(this.table, [...entries, ...this.#forwarding()])]);
  }

  /** There is no network any more: nothing to guard, unless this machine forwards only because of us. */
  clearIfIdle(): void {
    if (this.isNeeded && !this.#turnedOn[4] && !this.#turnedOn[6]) nft.commit(this.#netlink, [nft.addTable(this.table), nft.deleteTable(this.table)]);
  }

  #forwarding(): readonly Entry[] {
    return ([4, 6] as const).filter((version) => this.#turnedOn[version]).map(forwardingEntry);
  }

  #change(changes: ReturnType<typeof addEntries>): void {
    try {
      nft.commit(this.#netlink, changes);
    } catch (error) {
      if (!isKernelError(error, 'ENOENT')) throw error;
      // Not made yet, or somebody removed it: this change is whole at once, and the rest comes back with `reconcile`.
      nft.commit(this.#netlink, [...ruleset(this.table), ...addEntries(this.table, this.#forwarding()), ...changes]);
    }
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]();
  }
}
