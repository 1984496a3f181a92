// The ports of EXPOSE. Docker reads them as it reads -p, with addresses and host ports that mean nothing here; lint says so.
import { isIP } from 'node:net';
import { wrong } from './source.ts';

export interface PortText {
  readonly address: string;
  readonly hostPort: string;
  readonly port: string;
  /** As it is written; empty when it is not. */
  readonly protocol: string;
}

/** `80`, `80/udp`, `127.0.0.1:80:80`. */
export function splitPort(text: string): PortText {
  const parts = text.split(':');
  const [container = '', hostPort = '', ...address] = parts.toReversed();
  const [port = '', protocol = ''] = splitOnce(container);
  return { address: address.reverse().join(':'), hostPort, port, protocol };
}

/** One key for each port: `8000/tcp`, `8001/tcp`. @throws in dockerd's words */
export function exposedPorts(text: string): readonly string[] {
  const { address, hostPort, port, protocol } = splitPort(text);
  if (port === '') throw wrong(`invalid port: ${JSON.stringify(text)}: no port specified`);
  const name = protocol === '' ? 'tcp' : protocol.toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(name)) throw wrong(`invalid port: ${JSON.stringify(text)}: invalid proto: ${name}`, 'It is one of tcp, udp, sctp');
  const bare = address.startsWith('[') ? address.slice(1, -1) : address;
  if (bare !== '' && isIP(bare) === 0) throw wrong(`invalid IP address: ${bare}`);
  const [first, last] = rangeOf(port, 'containerPort');
  const [hostFirst, hostLast] = hostPort === '' ? [first, last] : rangeOf(hostPort, 'hostPort');
  if (last - first !== hostLast - hostFirst && last !== first) throw wrong(`invalid ranges specified for container and host Ports: ${port} and ${hostPort}`);
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${name}`);
}

function rangeOf(text: string, what: string): readonly [first: number, last: number] {
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === '' || last > 65_535 || first > last) throw wrong(`invalid ${what}: ${text}`, 'Give a port from 0 to 65535, or a range like 8000-8010');
  return [first, last];
}

function splitOnce(text: string): readonly string[] {
  const at = text.indexOf('/');
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
