// IP addresses as the kernel takes them: 4 or 16 bytes, most significant first.
import { isIP } from 'node:net';

export const AF_INET = 2;
export const AF_INET6 = 10;

export interface Address {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly bytes: Uint8Array;
}

/** @throws Error for what is no address; whoever takes addresses from people checks them first */
export function parseAddress(text: string): Address {
  const version = isIP(text);
  if (version === 4) return { family: AF_INET, bytes: Uint8Array.from(text.split('.'), Number) };
  if (version === 6 && !text.includes('%')) return { family: AF_INET6, bytes: parse6(text) };
  throw new Error(`Not an address: ${JSON.stringify(text)}`);
}

function parse6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const whole = dotted === null ? text : `${dotted[1]}${wordsOf(parseAddress(dotted[2]!).bytes).join(':')}`;
  const [left = '', right] = whole.split('::', 2);
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = words(left);
  const tail = right === undefined ? [] : words(right);
  const all = right === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Uint8Array.from(all.flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 0xff];
  }));
}

function wordsOf(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[2 * i]! * 256 + bytes[2 * i + 1]!).toString(16));
}

/** Source: RFC 5952: small letters, the first longest run of zeros as `::`. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = wordsOf(bytes);
  const runs = [...words.join(':').matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].toSorted((a, b) => b[0].length - a[0].length || a.index - b.index);
  const longest = runs[0];
  if (longest === undefined) return words.join(':');
  const text = words.join(':');
  return `${text.slice(0, longest.index).replace(/:$/, '')}::${text.slice(longest.index + longest[0].length).replace(/^:/, '')}`;
}
