// Links in the default network, for old clients: there no resolver answers names, so the linked container's address stands in /etc/hosts under an
// alias, and its ports and variables are told in the environment. In networks of one's own a link is an alias of the resolver (network/dns).
//
// A link belongs to who asked for it. The other end is remembered by id: it may get another name, and another address with each start.
import { fail, isFail, type ContainerId } from '../base/index.ts';
import type { HostConfig } from '../spec/docker/container.ts';
import type { ContainerRecord } from './container.ts';
import { changeHosts } from './identity-files.ts';
import type { Room } from './room.ts';
import { hasProcess } from './state.ts';

/** What a container asked for with `--link`. */
export interface Link {
  readonly target: ContainerId;
  /** The name that it had then: for saying what is missing once it is gone. */
  readonly targetName: string;
  readonly alias: string;
}

/** The network whose containers find each other by links only. */
const defaultNetwork = 'bridge';

/** @throws `invalid` in dockerd's words for who is not there, and for who has no address of its own */
export function linksOf(room: Room, connections: ContainerRecord['connections'], asked: HostConfig['Links']): readonly Link[] {
  if (!connections.some(({ network }) => network === defaultNetwork)) return [];
  const links = (asked ?? []).map((one) => linkOf(room, one)).filter(({ alias }) => alias !== '');
  return links.filter(({ alias }, index) => links.findIndex((other) => other.alias === alias) === index);
}

function linkOf(room: Room, asked: string): Link {
  const [name = '', alias = name, ...rest] = asked.replace(/^\//, '').split(':');
  if (name === '' || rest.length > 0) throw fail('invalid', `bad format for links: ${asked}`);
  const target = targetNamed(room, name);
  if (target.hostConfig.NetworkMode === 'host') throw fail('invalid', 'conflicting options: host type networking can\'t be used with links. This would result in undefined behavior');
  return { target: target.id, targetName: target.name, alias: alias.slice(alias.lastIndexOf('/') + 1) };
}

/** Docker's clients read a 404 of create as a missing image, and would pull. */
function targetNamed(room: Room, name: string): ContainerRecord {
  try {
    return room.shelf.get(name);
  } catch (error) {
    if (!isFail(error, 'not_found')) throw error;
    throw fail('invalid', `could not get container for ${name}: ${error.message}`, { cause: error });
  }
}

/** A start wants all of them there. @throws `invalid` in dockerd's words */
export function checkLinked(room: Room, record: ContainerRecord): void {
  for (const link of record.links) {
    if (addressOf(room, link) === undefined) throw fail('invalid', `Cannot link to a non running container: /${nameOf(room, link)} AS /${record.name}/${link.alias}`, { hint: 'Start that container first' });
  }
}

/** Lines of /etc/hosts. */
export function linkedHosts(room: Room, record: ContainerRecord): readonly string[] {
  return record.links.flatMap((link) => {
    const address = addressOf(room, link);
    return address === undefined ? [] : [`${address}\t${hostNames(room, link)}`];
  });
}

/** `THEDB_PORT=tcp://172.17.0.2:5432` and so on, of those that run. */
export function linkedEnvironment(room: Room, record: ContainerRecord): readonly string[] {
  return record.links.flatMap((link) => {
    const address = addressOf(room, link);
    return address === undefined ? [] : environmentOfLink({ path: `/${record.name}/${link.alias}`, alias: link.alias, address, target: room.shelf.get(link.target) });
  });
}

/** A container has started: those that are linked to it and run get its new address. */
export function tellLinked(room: Room, target: ContainerRecord): void {
  for (const record of room.shelf.linkedTo(target.id)) {
    if (!hasProcess(record.state)) continue;
    const links = record.links.filter((link) => link.target === target.id);
    const endings = links.map((link) => `\t${hostNames(room, link)}`);
    changeHosts(room.storage.containerDir(record.id), (line) => endings.some((ending) => line.endsWith(ending)), linkedHosts(room, { ...record, links }));
  }
}

/** `parent/alias` → the link; the parent goes on without it. @throws `not_found` */
export function unlink(room: Room, parent: ContainerRecord, path: string): void {
  const alias = path.slice(path.lastIndexOf('/') + 1);
  if (!parent.links.some((link) => link.alias === alias)) throw fail('not_found', `No such container: ${path}`);
  room.shelf.change(parent.id, (now) => ({ ...now, links: now.links.filter((link) => link.alias !== alias) }));
}

function nameOf(room: Room, { target, targetName }: Link): string {
  return room.shelf.find(target)?.name ?? targetName;
}

function hostNames(room: Room, link: Link): string {
  const target = room.shelf.get(link.target);
  return [...new Set([link.alias, target.config.Hostname, target.name])].join(' ');
}

/** Undefined when it does not run, or is in that network no more. */
function addressOf(room: Room, { target }: Link): string | undefined {
  const state = room.shelf.find(target)?.state;
  const endpoint = state !== undefined && hasProcess(state) ? state.membership?.endpoints.find(({ network }) => network === defaultNetwork) : undefined;
  return endpoint?.ipv4?.split('/', 1)[0];
}

export interface LinkedTarget {
  /** `/web/thedb`. */
  readonly path: string;
  readonly alias: string;
  readonly address: string;
  readonly target: Pick<ContainerRecord, 'config' | 'hostConfig'>;
}

interface Port {
  readonly number: number;
  readonly protocol: string;
}

/** Docker's variables, in its order: the default port, runs of ports, each port, the name, the other's own variables. Pure. */
export function environmentOfLink({ path, alias, address, target: { config, hostConfig } }: LinkedTarget): readonly string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const ports = portsOf([...Object.keys(config.ExposedPorts ?? {}), ...Object.keys(hostConfig.PortBindings)]);
  const url = ({ number, protocol }: Port): string => `${protocol}://${address}:${number}`;
  const [first] = ports;
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
    ...runsOf(ports).flatMap(([start, end]) => {
      const name = `${prefix}_PORT_${start.number}_${start.protocol.toUpperCase()}`;
      return [`${name}_START=${url(start)}`, `${name}_PORT_START=${start.number}`, `${name}_END=${url(end)}`, `${name}_PORT_END=${end.number}`];
    }),
    ...ports.flatMap((port) => {
      const name = `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
      return [`${name}=${url(port)}`, `${name}_ADDR=${address}`, `${name}_PORT=${port.number}`, `${name}_PROTO=${port.protocol}`];
    }),
    `${prefix}_NAME=${path}`,
    ...config.Env.filter((entry) => entry.includes('=') && !/^(HOME|PATH)=/.test(entry)).map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

/** tcp before the others, then by number. */
function portsOf(keys: readonly string[]): readonly Port[] {
  const ports = [...new Set(keys)].map((key): Port => {
    const [number, protocol = 'tcp'] = key.split('/');
    return { number: Number(number), protocol };
  });
  return ports.toSorted((a, b) => Number(b.protocol === 'tcp') - Number(a.protocol === 'tcp') || a.protocol.localeCompare(b.protocol) || a.number - b.number);
}

/** First and last of each run of two or more neighbours. */
function runsOf(ports: readonly Port[]): readonly (readonly [Port, Port])[] {
  const runs: [Port, Port][] = [];
  for (const port of ports) {
    const last = runs.at(-1);
    if (last !== undefined && last[1].protocol === port.protocol && last[1].number + 1 === port.number) last[1] = port;
    else runs.push([port, port]);
  }
  return runs.filter(([start, end]) => start !== end);
}
