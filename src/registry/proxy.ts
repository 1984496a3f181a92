// Which hosts are reached directly. Node's agents know proxies; what NO_PROXY says is read here as Go's programs read it, since that is what is written
// for Docker: CIDR blocks, `.domain` for what is below it, `domain` for both, ports; loopback never goes through a proxy.
import { isIP } from 'node:net';
import { isLoopback, isWithin, withoutBrackets } from './addresses.ts';

export function goesThroughProxy(url: URL, none: string): boolean {
  const hostname = withoutBrackets(url.hostname);
  if (isLoopback(hostname)) return false;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return !none.split(',').map((entry) => entry.trim().toLowerCase()).some((entry) => entry !== '' && isNamed(entry, hostname, port));
}

function isNamed(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isWithin(hostname, entry);
  const withPort = isIP(entry) === 6 ? null : /^(.*):(\d+)$/.exec(entry);
  if (withPort !== null && withPort[2] !== port) return false;
  const name = withoutBrackets(withPort?.[1] ?? entry).replace(/^\*\./, '.');
  return name.startsWith('.') ? hostname.endsWith(name) : hostname === name || (isIP(name) === 0 && hostname.endsWith(`.${name}`));
}
