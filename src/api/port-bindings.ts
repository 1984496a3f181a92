// Published ports from JSON: `{ "80/tcp": [{ "HostIp": "", "HostPort": "8080" }] }`. Which ports are free is the network's to say.
import { isIP } from 'node:net';
import { decode, fail } from '../base/index.ts';
import type { PortBinding, PortBindings } from '../spec/docker/container.ts';

const { dictionary, list, object, text } = decode;

const binding = object<PortBinding>({ HostIp: text, HostPort: text });
const bindings = dictionary(list(binding));

/** Ranges are taken apart, `80` is `80/tcp`. @throws `invalid` in dockerd's words */
export const portBindings: decode.Decode<PortBindings> = (value, path) => {
  const decoded = new Map<string, readonly PortBinding[]>();
  for (const [port, places] of Object.entries(bindings(value, path))) {
    const known = containerPort(port);
    decoded.set(known, [...decoded.get(known) ?? [], ...places.map(placeOf)]);
  }
  return Object.fromEntries(decoded);
};

function containerPort(port: string): string {
  const [, number, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(port) ?? [];
  if (number === undefined || Number(number) === 0 || Number(number) > 65_535) throw fail('invalid', `invalid port specification: ${JSON.stringify(port.slice(0, 100))}`, { hint: 'Write a port from 1 to 65535 and tcp, udp or sctp: "80/tcp"' });
  return `${Number(number)}/${protocol.toLowerCase()}`;
}

/** An address in brackets is the same without; port 0 is any. */
function placeOf({ HostIp, HostPort }: PortBinding): PortBinding {
  const address = HostIp.replace(/^\[(.*)\]$/, '$1');
  if (address !== '' && isIP(address) === 0) throw fail('invalid', `invalid IP address: ${address.slice(0, 100)}`);
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(HostPort) ?? [];
  const isPort = HostPort === '' || (first !== undefined && Number(first) <= Number(last) && Number(last) <= 65_535);
  if (!isPort) throw fail('invalid', `invalid port specification: ${JSON.stringify(HostPort.slice(0, 100))}`, { hint: 'A port of the host is a number up to 65535, or a range: "8080", "8000-8010"' });
  return { HostIp: address, HostPort: HostPort === '0' ? '' : HostPort };
}
