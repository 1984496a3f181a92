// Published ports, from Docker's words (`80/tcp` → host addresses and ports) to requests, and what of them an update takes away. Pure.
import type { PortRequest, Protocol, PublishedPort } from '../../network/index.ts';
import type { HostConfig, PortBinding, PortBindings } from '../../spec/docker/container.ts';

/** What a start publishes: the bindings, and with `-P` any free port for each exposed one that has none. */
export function portRequestsOf(hostConfig: Pick<HostConfig, 'PortBindings' | 'PublishAllPorts'>, exposed: Readonly<Record<string, object>> | undefined): readonly PortRequest[] {
  const { PortBindings: bound, PublishAllPorts: publishesAll } = hostConfig;
  const alsoExposed = publishesAll ? Object.keys(exposed ?? {}).filter((port) => (bound[port] ?? []).length === 0).flatMap(portsInRange) : [];
  return requestsOf({ ...bound, ...Object.fromEntries(alsoExposed.map((port) => [port, [anywhere]])) });
}

const anywhere: PortBinding = { HostIp: '', HostPort: '' };

/** In the order of their ports. A port without a binding asks for nothing. */
export function requestsOf(bindings: PortBindings): readonly PortRequest[] {
  return Object.keys(bindings).toSorted(inOrderOfPorts).flatMap((port) => {
    const { protocol, containerPort } = parsePort(port);
    return bindings[port]!.map(({ HostIp, HostPort }) => ({ protocol, containerPort, hostAddress: HostIp, hostPorts: hostPortsOf(HostPort) }));
  });
}

/** `80/tcp`; the API's edge has looked that it is one. */
export function parsePort(port: string): { readonly protocol: Protocol; readonly containerPort: number } {
  const [number = '', protocol = 'tcp'] = port.split('/');
  return { protocol: protocol as Protocol, containerPort: Number(number) };
}

function hostPortsOf(text: string): PortRequest['hostPorts'] {
  if (text === '') return [0, 0];
  const [first = '0', last = first] = text.split('-');
  return [Number(first), Number(last)];
}

/** `100-102/udp` → three ports. */
function portsInRange(port: string): readonly string[] {
  const [range = '', protocol = 'tcp'] = port.split('/');
  const [first = '0', last = first] = range.split('-');
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => `${Number(first) + at}/${protocol}`);
}

function inOrderOfPorts(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}

/** `bindings` with what is added and without what is taken. */
export function changedBindings(bindings: PortBindings, added: PortBindings, taken: PortBindings): PortBindings {
  const left = Object.entries(bindings).map(([port, kept]) => [port, taken[port] === undefined ? kept : taken[port].length === 0 ? [] : kept.filter((one) => !taken[port]!.some((other) => isSame(one, other)))] as const);
  const changed = new Map<string, readonly PortBinding[]>(left.filter(([, kept]) => kept.length > 0));
  for (const [port, more] of Object.entries(added)) changed.set(port, [...changed.get(port) ?? [], ...more]);
  return Object.fromEntries(changed);
}

/** Which open ports an unpublish means: all of a container's port, or those at the given addresses and ports of the host. */
export function openPortsOf(open: readonly PublishedPort[], taken: PortBindings): readonly PublishedPort[] {
  return open.filter((port) => {
    const bindings = taken[`${port.containerPort}/${port.protocol}`];
    return bindings !== undefined && (bindings.length === 0 || bindings.some((binding) => isAt(port, binding)));
  });
}

function isAt({ hostAddress, hostPort }: PublishedPort, { HostIp, HostPort }: PortBinding): boolean {
  return (HostIp === '' || HostIp === hostAddress) && (HostPort === '' || Number(HostPort) === hostPort);
}

function isSame(a: PortBinding, b: PortBinding): boolean {
  return (b.HostIp === '' || a.HostIp === b.HostIp) && (b.HostPort === '' || a.HostPort === b.HostPort);
}
