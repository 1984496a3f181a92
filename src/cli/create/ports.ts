// `-p` and `--expose`: from what people write to ports of the container and places on the host, as Docker's client sends them.
import { isIP } from 'node:net';
import type { PortBinding, PortBindings } from '../../spec/docker/container.ts';
import { Complaint } from '../errors.ts';

interface Bound {
  readonly port: string;
  readonly binding: PortBinding;
}

/** @throws Complaint in the words of Docker's client */
export function publishedPorts(texts: readonly string[]): PortBindings {
  const ports = new Map<string, readonly PortBinding[]>();
  for (const { port, binding } of texts.flatMap((text) => parsePublished(text.includes('=') ? fromFields(text) : text))) ports.set(port, [...ports.get(port) ?? [], binding]);
  return Object.fromEntries(ports);
}

/** Ports that are exposed, and those that are published, which are exposed too. */
export function exposedPorts(texts: readonly string[], published: PortBindings): Readonly<Record<string, object>> {
  const all = [...Object.keys(published), ...texts.flatMap(parseExposed)];
  return Object.fromEntries(all.map((port) => [port, {}]));
}

/** `target=80,published=8080,protocol=udp`: the long way to say `8080:80/udp`. */
function fromFields(text: string): string {
  const fields = new Map(text.split(',').map((field) => {
    const [key = '', value = ''] = field.split('=', 2);
    return [key.trim().toLowerCase(), value.trim()];
  }));
  const unknown = [...fields.keys()].find((key) => !['target', 'published', 'protocol', 'mode'].includes(key));
  if (unknown !== undefined) throw new Complaint(`invalid field key ${unknown}`);
  if (!['', 'host', 'ingress'].includes(fields.get('mode') ?? '')) throw new Complaint(`invalid publish mode (${fields.get('mode')}): must be either "ingress" or "host"`);
  return `${fields.get('published') ?? ''}:${fields.get('target') ?? ''}/${fields.get('protocol') || 'tcp'}`;
}

/** `80`, `8080:80`, `127.0.0.1:8080:80`, `[::1]::80`, `8000-8010:80-90/udp`. */
function parsePublished(text: string): readonly Bound[] {
  const [, places = '', protocol = 'tcp'] = /^([^/]*)(?:\/(.*))?$/.exec(text) ?? [];
  const parts = places.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  const HostIp = parts.join(':').replace(/^\[(.*)\]$/, '$1');
  if (HostIp !== '' && isIP(HostIp) === 0) throw new Complaint(`invalid IP address: ${HostIp}`);
  if (container === '') throw new Complaint(`no port specified: ${text}<empty>`);
  const inside = range(container) ?? complain(`invalid containerPort: ${container}`);
  const outside = host === '' ? undefined : range(host) ?? complain(`invalid hostPort: ${host}`);
  const known = protocol.toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(known)) throw new Complaint(`invalid proto: ${protocol}`);
  const isOneOfSome = inside.length === 1 && outside !== undefined && outside.length > 1;
  if (outside !== undefined && !isOneOfSome && outside.length !== inside.length) throw new Complaint(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  return inside.map((port, at) => ({ port: `${port}/${known}`, binding: { HostIp, HostPort: isOneOfSome ? host : outside === undefined ? '' : String(outside[at]) } }));
}

function complain(message: string): never {
  throw new Complaint(message);
}

/** `8000-8010` → all of them. */
function range(text: string): readonly number[] | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || from > to || to > 65_535) return undefined;
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function parseExposed(text: string): readonly string[] {
  if (text.includes(':')) throw new Complaint(`invalid port format for --expose: ${text}`);
  const [ports = '', protocol = 'tcp'] = text.split('/', 2);
  const numbers = range(ports);
  if (numbers === undefined) throw new Complaint(`invalid range format for --expose: ${text}, error: ${whyNoRange(ports)}`);
  return numbers.map((port) => `${port}/${protocol.toLowerCase()}`);
}

function whyNoRange(ports: string): string {
  if (/^\d+-\d+$/.test(ports)) return `invalid range specified for port: ${ports}`;
  return `strconv.ParseUint: parsing ${JSON.stringify(ports.split('-').find((word) => !/^\d+$/.test(word)) ?? ports)}: invalid syntax`;
}
