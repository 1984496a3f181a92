// Which hosts are reached directly. Node's agents know proxies; what NO_PROXY says is read here as Go's programs read it, since that is what is written
// for Docker: CIDR blocks, `.domain` for what is below it, `domain` for both, ports; loopback never goes through a proxy.
import { BlockList, isIP } from 'node:net';
import { isLoopback } from './site.ts';

export function goesThroughProxy(url: URL, none: string): boolean {
  const hostname = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isLoopback(hostname)) return false;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return !none.split(',').map((entry) => entry.trim().toLowerCase()).some((entry) => entry !== '' && isNamed(entry, hostname, port));
}

function isNamed(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true;
  const [block, bits] = entry.split('/', 2);
  if (bits !== undefined) return isWithin(hostname, block!, Number(bits));
  const withPort = isIP(entry) === 6 ? null : /^(.*):(\d+)$/.exec(entry);
  if (withPort !== null && withPort[2] !== port) return false;
  const name = (withPort?.[1] ?? entry).replace(/^\[|\]$/g, '').replace(/^\*\./, '.');
  return name.startsWith('.') ? hostname.endsWith(name) : hostname === name || (isIP(name) === 0 && hostname.endsWith(`.${name}`));
}

function isWithin(hostname: string, block: string, bits: number): boolean {
  const family = isIP(hostname);
  if (family === 0 || isIP(block) !== family || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const blocks = new BlockList();
  blocks.addSubnet(block, bits, type);
  return blocks.check(hostname, type);
}
