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

/** An open file, or a name in a held directory (a link's own attributes). */
type Bearer = Fd | { readonly dir: Fd; readonly name: ByteString };

/** File systems without attributes have none. */
export function readAttributes(of: Bearer): Attributes {
  const names = namesOf(of);
  if (names.length === 0) return none;
  const shown = new Map<ByteString, Buffer>();
  for (const name of names) {
    if (overlayAttributes.test(name) || hostAttributes.test(name)) continue;
    const found = valueOf(of, name);
    if (found !== undefined) shown.set(name, Buffer.from(found));
  }
  return { shown, isOpaque: names.includes(opaqueAttribute as ByteString) };
}

/** All but the host's notes: overlayfs's own, too. A file system that cannot hold them goes without, as with cp. @throws KernelError */
export function copyAttributes(from: Bearer, to: Bearer): void {
  for (const name of namesOf(from)) {
    const found = hostAttributes.test(name) ? undefined : valueOf(from, name);
    if (found === undefined) continue;
    const argument = nameArgument(name);
    const set = 'dir' in to ? tryCall('lsetxattr', pathOf(to), argument, found, found.length, 0) : tryCall('fsetxattr', to.number, argument, found, found.length, 0);
    if (set < 0 && errnoName(-set) !== 'EOPNOTSUPP') throw new KernelError('setxattr', name, -set);
  }
}

function namesOf(of: Bearer): readonly ByteString[] {
  const length = 'dir' in of ? tryCall('llistxattr', pathOf(of), list, list.length) : tryCall('flistxattr', of.number, list, list.length);
  if (length === 0 || isNothing(length)) return [];
  if (length < 0) throw new KernelError('listxattr', '', -length);
  return byteStringOf(list.subarray(0, length)).split('\0').filter((name) => name !== '') as ByteString[];
}

/** Valid until the next one is read. */
function valueOf(of: Bearer, name: ByteString): Buffer | undefined {
  const argument = nameArgument(name);
  const got = 'dir' in of ? tryCall('lgetxattr', pathOf(of), argument, value, value.length) : tryCall('fgetxattr', of.number, argument, value, value.length);
  if (isNothing(got)) return undefined;
  if (got < 0) throw new KernelError('getxattr', name, -got);
  return value.subarray(0, got);
}

/** The path leads through our own descriptor; its last part is one name, and is not followed. */
function pathOf({ dir, name }: { readonly dir: Fd; readonly name: ByteString }): string | Buffer {
  return nameArgument(`/proc/self/fd/${dir.number}/${name}` as ByteString);
}

/** No such file any more, no such attribute any more, no attributes here at all. */
function isNothing(result: number): boolean {
  return result < 0 && ['ENOENT', 'ENODATA', 'EOPNOTSUPP'].includes(errnoName(-result));
}
