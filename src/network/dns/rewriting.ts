// Port 53 inside of a container, without taking it: what goes to 127.0.0.11 port 53 gets the port that our sockets have, and their answers come from port 53.
// Both by writing ports into packets that go out, without any memory of connections: the namespace needs no connection tracking, and a program inside may
// still bind 0.0.0.0:53.
//
// Priorities: questions change before connection tracking would see them, answers after it has. Where a container starts it for itself, it sees both halves of
// one connection.
import { nft, parseAddress, type Batch, type Message, type Netlink } from '../../kernel/index.ts';

export const resolverAddress = '127.0.0.11';
const dnsPort = 53;
const table: nft.TableName = { family: 'ip', table: 'estiva-dns' };
const beforeTracking = -300;
const afterTracking = -150;

export interface Ports {
  readonly udp: number;
  readonly tcp: number;
}

/** Free in every namespace that is new; above the ports that the kernel gives to others by itself. */
export const usualPorts: Ports = { udp: 61_053, tcp: 61_053 };

let usual: Batch | undefined;

/** In the namespace of `netlink`; what an earlier daemon left there is replaced. @throws KernelError */
export function rewritePorts(netlink: Netlink, ports: Ports): void {
  const isUsual = ports.udp === usualPorts.udp && ports.tcp === usualPorts.tcp;
  netlink.sendBatch(isUsual ? (usual ??= prepare(ports)) : prepare(ports));
}

function prepare(ports: Ports): Batch {
  return nft.prepare([
    // Made when it is not there, so that there is one to delete.
    nft.addTable(table), nft.deleteTable(table), nft.addTable(table),
    nft.addChain(table, 'questions', { type: 'filter', hook: 'output', priority: beforeTracking }),
    nft.addChain(table, 'answers', { type: 'filter', hook: 'output', priority: afterTracking }),
    ...rules('udp', ports.udp), ...rules('tcp', ports.tcp),
  ]);
}

function rules(name: 'udp' | 'tcp', port: number): readonly Message[] {
  const protocol = [nft.meta('l4proto'), nft.compare('is', nft.protocol(name === 'udp' ? 17 : 6))];
  const address = nft.compare('is', parseAddress(resolverAddress).bytes);
  const [inside, ours] = [nft.port(dnsPort), nft.port(port)];
  return [
    nft.addRule(table, 'questions', [nft.field.destination4(), address, ...protocol, nft.field.destinationPort(), nft.compare('is', inside), nft.load(ours), nft.rewritePort('destination', name)]),
    nft.addRule(table, 'answers', [nft.field.source4(), address, ...protocol, nft.field.sourcePort(), nft.compare('is', ours), nft.load(inside), nft.rewritePort('source', name)]),
  ];
}
