// Whom the host asks: the servers of its /etc/resolv.conf, read again when it changes.
// Source: resolv.conf(5): at most three servers; without any, the one on this machine.
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { SocketAddress } from '../../kernel/index.ts';

const serversMax = 3;
const looksAgainAfterMs = 1000;
const port = 53;

export class HostServers {
  readonly #path: string;
  #lookedAt = -Infinity;
  #stamp = 'never';
  #servers: readonly SocketAddress[] = [];
  /** Changes with the file: answers of other servers are not for today. */
  version = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** In the order in which they are asked. */
  current(): readonly SocketAddress[] {
    if (performance.now() - this.#lookedAt < looksAgainAfterMs) return this.#servers;
    this.#lookedAt = performance.now();
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    const stamp = stats === undefined ? 'absent' : `${stats.dev} ${stats.ino} ${stats.mtimeMs} ${stats.size}`;
    if (stamp === this.#stamp) return this.#servers;
    this.#stamp = stamp;
    this.version++;
    this.#servers = parseServers(stats === undefined ? '' : readFileSync(this.#path, 'utf8'));
    return this.#servers;
  }
}

export function parseServers(text: string): readonly SocketAddress[] {
  const named = text.split('\n').flatMap((line) => {
    const [word, address = ''] = line.trim().split(/\s+/);
    return word === 'nameserver' ? parseServer(address) : [];
  });
  return named.length === 0 ? [{ address: '127.0.0.1', port }] : named.slice(0, serversMax);
}

/** None for what is no address. `fe80::1%eth0` names the link that it is found on. */
export function parseServer(text: string): readonly SocketAddress[] {
  const [address = '', zone] = text.split('%', 2);
  if (isIP(address) === 0) return [];
  return [{ address, port, ...zone === undefined ? {} : { scope: scopeOf(zone) } }];
}

function scopeOf(zone: string): number {
  if (/^\d+$/.test(zone)) return Number(zone);
  return networkInterfaces()[zone]?.find((one) => one.family === 'IPv6')?.scopeid ?? 0;
}
