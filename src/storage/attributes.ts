// Extended attributes of a file: those that belong to it and go with it, and overlayfs's own, which never do: with them an archive could point into
// other layers' directories. What a host's security modules note of its files (labels, measurements) belongs to the host.
import { tryCall, errnoName, KernelError, type Fd } from '../kernel/index.ts';
import { byteStringOf, type ByteString } from '../spec/tar/index.ts';
import { nameArgument } from './names.ts';

export const overlayAttributes = /^(trusted|user)\.overlay\./;
const hostAttributes = /^security\.(selinux|ima|evm|apparmor)$/;
const opaqueAttribute = 'trusted.overlay.opaque';
const listBytesMax = 64 * 1024;
const valueBytesMax = 64 * 1024;

export interface Attributes {
  readonly shown: ReadonlyMap<ByteString, Buffer>;
  /** Whether overlayfs hides what lies below the directory. */
  readonly isOpaque: boolean;
}

const none: Attributes = { shown: new Map(), isOpaque: false };
/** Each for all: they are read out before anybody else runs. */
const list = Buffer.alloc(listBytesMax);
const value = Buffer.alloc(valueBytesMax);

/** Of an open file, or of a name in a held directory (a link's own). File systems without attributes have none. */
export function readAttributes(of: Fd | { readonly dir: Fd; readonly name: ByteString }): Attributes {
  // The path leads through our own descriptor; its last part is one name, and is not followed.
  const path = 'dir' in of ? nameArgument(`/proc/self/fd/${of.dir.number}/${of.name}` as ByteString) : '';
  const length = 'dir' in of ? tryCall('llistxattr', path, list, list.length) : tryCall('flistxattr', of.number, list, list.length);
  if (length === 0 || isNothing(length)) return none;
  if (length < 0) throw new KernelError('listxattr', '', -length);
  const names = byteStringOf(list.subarray(0, length)).split('\0').filter((name) => name !== '') as ByteString[];
  const shown = new Map<ByteString, Buffer>();
  for (const name of names) {
    if (overlayAttributes.test(name) || hostAttributes.test(name)) continue;
    const argument = nameArgument(name);
    const got = 'dir' in of ? tryCall('lgetxattr', path, argument, value, value.length) : tryCall('fgetxattr', of.number, argument, value, value.length);
    if (got >= 0) shown.set(name, Buffer.from(value.subarray(0, got)));
    else if (!isNothing(got)) throw new KernelError('getxattr', name, -got);
  }
  return { shown, isOpaque: names.includes(opaqueAttribute as ByteString) };
}

/** No such file any more, no such attribute any more, no attributes here at all. */
function isNothing(result: number): boolean {
  return result < 0 && ['ENOENT', 'ENODATA', 'EOPNOTSUPP'].includes(errnoName(-result));
}
