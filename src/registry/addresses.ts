// Addresses that stand for this machine, its link, or a block that an administrator named. What is compared is the text of a name or address, never what a name
// resolves to: that is for its owner to change.
import { BlockList, isIP } from 'node:net';

/** `localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback(hostname: string): boolean {
  const bare = withoutBrackets(hostname);
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

/** An address of this machine or of its link (where clouds keep their secrets), which a registry elsewhere has no business to send us to. */
export function isOnlyHere(url: URL): boolean {
  const bare = withoutBrackets(url.hostname);
  const mapped = /^::ffff:([0-9a-f]+):[0-9a-f]+$/.exec(bare)?.[1];
  const firstWord = mapped === undefined ? undefined : Number.parseInt(mapped, 16);
  if (firstWord !== undefined) return firstWord >> 8 === 127 || firstWord >> 8 === 0 || firstWord === 0xa9fe;
  return isLoopback(bare) || bare.endsWith('.localhost') || (isIP(bare) === 4 && /^(0|169\.254)\./.test(bare)) || bare === '::' || (isIP(bare) === 6 && /^fe[89ab]/.test(bare));
}

/** Whether `hostname` is an address in `block` (`10.0.0.0/8`, `fd00::/8`). */
export function isWithin(hostname: string, block: string): boolean {
  const bare = withoutBrackets(hostname);
  const [address = '', bits = ''] = block.split('/', 2);
  const family = isIP(bare);
  if (family === 0 || isIP(address) !== family || !isPrefixLength(bits, family)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const blocks = new BlockList();
  blocks.addSubnet(address, Number(bits), type);
  return blocks.check(bare, type);
}

export function isBlock(text: string): boolean {
  const [address = '', bits = ''] = text.split('/', 2);
  return isIP(address) !== 0 && isPrefixLength(bits, isIP(address));
}

function isPrefixLength(bits: string, family: number): boolean {
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').toLowerCase();
}
