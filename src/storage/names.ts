// Names as system calls take them: text when that is the same bytes, else bytes with their NUL.
import type { ByteString } from '../spec/tar/index.ts';

// eslint-disable-next-line no-control-regex -- the point is exactly which bytes are ASCII
const asciiOnly = /^[\x01-\x7f]*$/;

export function nameArgument(name: ByteString): string | Buffer {
  return asciiOnly.test(name) ? name : Buffer.from(`${name}\0`, 'latin1');
}
