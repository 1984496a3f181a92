// Which ports of a container are open at the host, and where they lead: decided anew whenever its way out changes.
import { fail, isFail } from '../base/index.ts';
import type { Forward } from './fabric/fabric.ts';
import type { Family } from './ipam/block.ts';
import { bare } from './ipam/ipam.ts';
import type { PublishedPort, PublishMode } from './network.ts';
import { bridgeOptions, type BridgeOptions } from './options.ts';
import { isEvery, type HostPorts } from './ports/ports.ts';
import type { Member, Room, Wish } from './room.ts';
import { gatewayModeOf, waysOut, type Plugged } from './way-out.ts';

/** The ports of a member whose endpoints are settled: those that it had and still can have, and new ones for wishes that had none. `undo` takes all that back. */
export function settlePorts(room: Room, before: readonly PublishedPort[], member: Omit<Member, 'ports'>, undo: DisposableStack): readonly PublishedPort[] {
  const places = placesOf(member);
  const left = Map.groupBy(before, innerPort);
  const kept = member.wishes.map((wish) => {
    const ports = keep(wish, places.for(wish), left.get(innerPort(wish)) ?? []);
    left.set(innerPort(wish), (left.get(innerPort(wish)) ?? []).filter((port) => !ports.includes(port)));
    return ports;
  });
  for (const port of [...left.values()].flat()) {
    room.ports.release(member.containerId, port);
    undo.defer(() => { room.ports.hold(member.containerId, port); });
  }
  let host: HostPorts | undefined;
  return member.wishes.flatMap((wish, index) => {
    const had = kept[index]!;
    const missing = places.for(wish).filter((place) => !had.some(({ hostAddress }) => hostAddress === place.hostAddress));
    return missing.length === 0 ? had : [...had, ...open(room, member, sameNumber(wish, had), missing, () => (host ??= room.host.ports()), undo)];
  });
}

/** A family of addresses that comes later has the port under the number that the other one has. */
function sameNumber(wish: Wish, [had]: readonly PublishedPort[]): Wish {
  return had === undefined || had.hostPort === 0 ? wish : { ...wish, hostPorts: [had.hostPort, had.hostPort] };
}

/** What is left to wish for when some of the ports are to be closed. */
export function wishesWithout({ wishes, ports, plugged }: Member, closed: (port: PublishedPort) => boolean): readonly Wish[] {
  const places = placesOf({ plugged });
  const left = Map.groupBy(ports, innerPort);
  return wishes.flatMap((wish) => {
    const own = keep(wish, places.for(wish), left.get(innerPort(wish)) ?? []);
    left.set(innerPort(wish), (left.get(innerPort(wish)) ?? []).filter((port) => !own.includes(port)));
    if (!own.some(closed)) return [wish];
    return own.filter((port) => !closed(port)).map(({ protocol, containerPort, hostAddress, hostPort, mode }) => ({ protocol, containerPort, hostAddress, hostPorts: [hostPort, hostPort] as const, mode }));
  });
}

/** Where the ports of a member lead to. */
export function forwardsOf(member: Member): readonly Forward[] {
  const places = placesOf(member);
  return member.ports.flatMap((port) => {
    const place = places.of(port);
    return place === undefined ? [] : [{ ...port, containerAddress: place.containerAddress, link: place.link }];
  });
}

function innerPort({ protocol, containerPort }: Pick<PublishedPort, 'protocol' | 'containerPort'>): string {
  return `${protocol}:${containerPort}`;
}

/** Of the ports to the same port inside those that were opened for that wish: one number, at one address of each family. */
function keep({ hostPorts: [first, last] }: Wish, wanted: readonly Place[], ports: readonly PublishedPort[]): readonly PublishedPort[] {
  const fitting = ports.filter(({ hostAddress, hostPort, mode }) => wanted.some((place) => place.hostAddress === hostAddress && place.mode === mode && place.isRouted === (hostPort === 0)) && (first === 0 || hostPort === 0 || (hostPort >= first && hostPort <= last)));
  return fitting.filter(({ hostPort }) => hostPort === fitting[0]!.hostPort);
}

function open(room: Room, member: Omit<Member, 'ports'>, wish: Wish, wanted: readonly Place[], host: () => HostPorts, undo: DisposableStack): readonly PublishedPort[] {
  const { protocol, containerPort } = wish;
  const mapped = wanted.filter(({ isRouted }) => !isRouted);
  const hostPort = mapped.length === 0 ? 0 : take(room, member, wish, mapped, host());
  const opened = wanted.map(({ hostAddress, isRouted, mode }) => ({ protocol, containerPort, hostAddress, hostPort: isRouted ? 0 : hostPort, mode }));
  undo.defer(() => { for (const port of opened) room.ports.release(member.containerId, port); });
  return opened;
}

/** @throws `conflict`: dockerd's sentence around the reason */
function take(room: Room, { containerId, name }: Omit<Member, 'ports'>, { protocol, containerPort, hostPorts }: Wish, places: readonly Place[], host: HostPorts): number {
  const [{ containerAddress, endpointId }] = places as readonly [Place];
  try {
    return room.ports.take(containerId, { protocol, hostAddresses: places.map(({ hostAddress }) => hostAddress), hostPorts, target: `${containerAddress}:${containerPort}` }, host);
  } catch (error) {
    if (!isFail(error)) throw error;
    throw fail(error.kind, `driver failed programming external connectivity on endpoint ${name} (${endpointId}): ${error.message}`, { ...error.hint === undefined ? {} : { hint: error.hint }, cause: error });
  }
}

/** Where a port of the host can be held, and what it leads to. */
interface Place {
  readonly hostAddress: string;
  readonly containerAddress: string;
  readonly endpointId: string;
  readonly link: string;
  /** Nothing is held: the container's own address is reached from outside, at this port alone. */
  readonly isRouted: boolean;
  readonly mode: PublishMode;
}

interface Places {
  for(wish: Wish): readonly Place[];
  /** Of a port that is open; undefined when it can be no more. */
  of(port: PublishedPort): Place | undefined;
}

function placesOf({ plugged }: Pick<Member, 'plugged'>): Places {
  const { ipv4, ipv6 } = waysOut(plugged);
  // Rules change an address into another of the same family; between the two only a socket of ours can stand.
  const find = (hostAddress: string, mode: PublishMode): Place | undefined => {
    const family: Family = hostAddress.includes(':') ? 6 : 4;
    const [same, other] = family === 4 ? [ipv4, ipv6] : [ipv6, ipv4];
    if (same !== undefined) return placeTo(same, family, hostAddress, mode);
    const place = other && placeTo(other, family === 4 ? 6 : 4, hostAddress, 'host-socket');
    return place?.isRouted === true ? undefined : place;
  };
  // A thousand ports are at one or two addresses.
  const found = new Map<string, Place | undefined>();
  const at = (hostAddress: string, mode: PublishMode): Place | undefined => {
    const key = `${mode} ${hostAddress}`;
    if (!found.has(key)) found.set(key, find(hostAddress, mode));
    return found.get(key);
  };
  const { hostBinding4 = '', publishMode = 'nat' } = optionsOf(ipv4 ?? ipv6) ?? {};
  const everywhere = (mode: PublishMode): readonly (Place | undefined)[] => {
    const isSocket = mode === 'host-socket';
    return [
      ipv4 !== undefined || isSocket ? at(hostBinding4 === '' ? '0.0.0.0' : hostBinding4, mode) : undefined,
      // Docker's rule: who narrows the address for IPv4 does not want the port at every address of IPv6.
      hostBinding4 === '' && (ipv6 !== undefined || isSocket) ? at('::', mode) : undefined,
    ];
  };
  return {
    for: ({ hostAddress, mode = publishMode }) => (hostAddress === '' ? everywhere(mode) : [at(hostAddress, mode)]).filter((place) => place !== undefined),
    of: (port) => {
      const place = at(port.hostAddress, port.mode);
      return place?.mode === port.mode && place.isRouted === (port.hostPort === 0) ? place : undefined;
    },
  };
}

function optionsOf(one: Plugged | undefined): BridgeOptions | undefined {
  return one?.network.driver === 'bridge' ? bridgeOptions(one.network.options) : undefined;
}

function placeTo({ network, endpoint }: Plugged, family: Family, hostAddress: string, mode: PublishMode): Place | undefined {
  const gatewayMode = network.driver === 'bridge' ? gatewayModeOf(network, family) : 'isolated';
  if (gatewayMode === 'isolated') return undefined;
  const isRouted = gatewayMode === 'routed';
  const everywhere = family === 4 ? '0.0.0.0' : '::';
  return {
    hostAddress: isRouted && !isEvery(hostAddress) ? everywhere : hostAddress, containerAddress: bare((family === 4 ? endpoint.ipv4 : endpoint.ipv6)!), endpointId: endpoint.id, link: network.link,
    isRouted, mode: isRouted ? 'nat' : mode,
  };
}
