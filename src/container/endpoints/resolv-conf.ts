// What /etc/resolv.conf of a container says: the host's, with what was asked for otherwise. Pure. The rules are those of dockerd 28.
import { resolverAddress } from '../../network/index.ts';

export interface ResolvConf {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** `resolver`: names are answered inside, at its own address. `plain`: servers are asked by the program, from its own network. `host`: from the host's. */
export type ResolvKind = 'resolver' | 'plain' | 'host';

/** When the host has no server that a container could reach: Google's, as dockerd has it. */
const publicServers = ['8.8.8.8', '8.8.4.4'];

export function parseResolvConf(text: string): ResolvConf {
  const lines = text.split('\n').map((line) => line.replace(/[#;].*$/, '').trim().split(/\s+/));
  const wordsOf = (key: string): readonly (readonly string[])[] => lines.filter(([first]) => first === key).map(([, ...words]) => words);
  return { servers: wordsOf('nameserver').flatMap(([server]) => server ?? []), search: wordsOf('search').at(-1) ?? wordsOf('domain').at(-1) ?? [], options: wordsOf('options').flat() };
}

/** `asked`: what is empty is the host's; a search list of `.` alone is none. */
export function resolvConfFor(kind: ResolvKind, host: ResolvConf, asked: ResolvConf): string {
  const servers = asked.servers.length > 0 ? asked.servers : kind === 'host' ? host.servers : reachable(host.servers);
  const search = asked.search.length > 0 ? asked.search.filter((name) => name !== '.') : host.search;
  const options = asked.options.length > 0 ? asked.options : host.options;
  const isDotted = options.some((option) => option.startsWith('ndots:'));
  return [
    '# Made by Estiva at the start of the container. What is written here stays until its next start.',
    ...(kind === 'resolver' ? [resolverAddress] : servers).map((server) => `nameserver ${server}`),
    ...lineOf('search', search),
    // Names of one word are asked of the resolver as they are.
    ...lineOf('options', kind === 'resolver' && !isDotted ? [...options, 'ndots:0'] : options),
    '',
  ].join('\n');
}

function lineOf(key: string, words: readonly string[]): readonly string[] {
  return words.length === 0 ? [] : [`${key} ${words.join(' ')}`];
}

/** A loopback address would be the container's own. */
function reachable(servers: readonly string[]): readonly string[] {
  const there = servers.filter((server) => !/^(127\.|::1$|0\.0\.0\.0$)/.test(server));
  return there.length > 0 ? there : publicServers;
}
