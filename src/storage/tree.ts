// A tree that an archive is unpacked into: every path in it is resolved by the kernel, beneath the held root, whatever the archive says. What it offers
// are the few things that trees are made of; each takes the path of an entry, as its components.
//
// A *layer* is new and nobody else's: no link anywhere in a path. A *living* tree is a container's, which may change it meanwhile: links in paths
// lead within the root, a name that was made just now may be something else already, and what is mounted is not replaced.
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, call, errnoName, Fd, KernelError, O, openIn, S, statFd, statIn, tryCall, tryOpenIn, type Resolution } from '../kernel/index.ts';
import { byteString, quoteName, type ByteString, type TarHeader } from '../spec/tar/index.ts';
import { nameArgument } from './names.ts';
import { removeTreeNow } from './remove-tree.ts';

const ENOENT = -2;
const EEXIST = -17;
const ENOTDIR = -20;
const ELOOP = -40;
const EOPNOTSUPP = -95;
const openDirsMax = 100;
const replacingTriesMax = 100;

/** What an entry asks for cannot be: the reason, to which the caller adds the entry's name. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Components of a path inside the tree; none: the root. */
export type TreePath = readonly ByteString[];

export type Owner = Pick<TarHeader, 'mode' | 'uid' | 'gid' | 'xattrs' | 'mtimeSeconds' | 'mtimeNanoseconds'>;

export interface TreeRules {
  readonly isLiving: boolean;
  /** Neither a directory in the place of something else, nor the reverse. */
  readonly keepsKinds: boolean;
  /** Takes what is in the way out of the tree; absent: it is removed. */
  readonly moveAside?: ((dir: Fd, name: ByteString, path: ByteString) => void) | undefined;
}

export class Tree implements Disposable {
  readonly #root: Fd;
  readonly #rules: TreeRules;
  readonly #how: Resolution;
  /** Directories used lately, by their path; the oldest is closed first. */
  readonly #open = new Map<string, Fd>();
  /** Where `createWhiteout` made one and nothing has taken its place yet. */
  readonly #whiteouts = new Set<string>();
  readonly #times = Buffer.alloc(32);

  /** Takes over `root`. */
  constructor(root: Fd, rules: TreeRules) {
    this.#root = root;
    this.#rules = rules;
    this.#how = rules.isLiving ? 'inside' : 'plain';
  }

  /** Makes the file, with nothing in it; the caller writes and then calls `finishFile`. */
  createFile(path: TreePath, mode: number): Fd {
    const name = nameOf(path);
    const dir = this.#parent(path);
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW | O.CLOEXEC;
    return new Fd(this.#replacing(path, dir, () => tryCall('openat', dir.number, nameArgument(name), flags, mode & 0o777), 'openat'));
  }

  /** Owner first: a change of it clears setuid bits and capabilities. */
  finishFile(file: Fd, owner: Owner): void {
    call('fchown', file.number, owner.uid, owner.gid);
    call('fchmod', file.number, owner.mode);
    for (const [name, value] of owner.xattrs) setAttribute(name, value, () => tryCall('fsetxattr', file.number, nameArgument(name), value, value.length, 0));
    call('utimensat', file.number, 0, this.#timesOf(owner), 0);
  }

  /** Makes the directory, or takes the one that is there. Its time is the caller's to set at the end: whatever is made in it changes it. */
  createDirectory(path: TreePath, owner: Owner): void {
    if (path.length > 0) {
      const dir = this.#parent(path);
      const name = nameArgument(nameOf(path));
      if (!isDirectory(dir, name) && !this.#whiteouts.has(join(path))) this.#replacing(path, dir, () => tryCall('mkdirat', dir.number, name, 0o755), 'mkdirat', true);
    }
    const made = this.#directory(path, 'create');
    call('fchown', made.number, owner.uid, owner.gid);
    call('fchmod', made.number, owner.mode);
    for (const [name, value] of owner.xattrs) setAttribute(name, value, () => tryCall('fsetxattr', made.number, nameArgument(name), value, value.length, 0));
  }

  /** Sets the time of a directory, if there still is one at `path`. */
  setDirectoryTime(path: TreePath, owner: Owner): void {
    const joined = path.length === 0 ? byteString('.') : join(path);
    const number = tryOpenIn(this.#root, nameArgument(joined), O.RDONLY | O.DIRECTORY, this.#how);
    if (number === ENOENT || number === ENOTDIR || number === ELOOP) return;
    if (number < 0) throw new KernelError('openat2', quoteName(joined), -number);
    using dir = new Fd(number);
    call('utimensat', dir.number, 0, this.#timesOf(owner), 0);
  }

  createSymlink(path: TreePath, target: ByteString, owner: Owner): void {
    const dir = this.#parent(path);
    const name = nameArgument(nameOf(path));
    this.#replacing(path, dir, () => tryCall('symlinkat', nameArgument(target), dir.number, name), 'symlinkat');
    this.#finishName(dir, path, owner);
  }

  createSpecial(path: TreePath, type: 'char' | 'block' | 'fifo', device: { readonly major: number; readonly minor: number }, owner: Owner): void {
    const dir = this.#parent(path);
    const name = nameArgument(nameOf(path));
    const typeBits = { char: S.IFCHR, block: S.IFBLK, fifo: S.IFIFO }[type];
    this.#replacing(path, dir, () => tryCall('mknodat', dir.number, name, typeBits | 0o600, deviceNumber(device)), 'mknodat');
    this.#finishName(dir, path, owner);
    // Through a descriptor: by its name the call would follow a link that has taken its place.
    using made = openIn(dir, name, O.PATH | O.NOFOLLOW, 'plain');
    if ((statFd(made).mode & S.IFMT) === typeBits) call('fchmodat', AT_FDCWD, `/proc/self/fd/${made.number}`, owner.mode);
  }

  /** Another name for the file at `target`. */
  createHardLink(path: TreePath, target: TreePath): void {
    const targetName = nameArgument(nameOf(target));
    const from = this.#existingParent(target);
    const dir = this.#parent(path);
    this.#replacing(path, dir, () => tryCall('linkat', from.number, targetName, dir.number, nameArgument(nameOf(path)), 0), 'linkat');
  }

  /** Hides `path` of the layers below. What this layer itself has there stays: a directory then hides only what is below. */
  createWhiteout(path: TreePath): void {
    const dir = this.#parent(path);
    const name = nameArgument(nameOf(path));
    const made = tryCall('mknodat', dir.number, name, S.IFCHR, 0);
    if (made === 0) this.#whiteouts.add(join(path));
    else if (made !== EEXIST) throw new KernelError('mknodat', quoteName(nameOf(path)), -made);
    else if (isDirectory(dir, name)) this.makeOpaque(path);
  }

  /** Hides everything that the layers below have in the directory `path`. */
  makeOpaque(path: TreePath): void {
    const yes = Buffer.from('y');
    call('fsetxattr', this.#directory(path, 'create').number, 'trusted.overlay.opaque', yes, yes.length, 0);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.values()) fd[Symbol.dispose]();
    this.#open.clear();
    this.#root[Symbol.dispose]();
  }

  /** Runs `make`; where something is in the way, removes that and runs it again. */
  #replacing(path: TreePath, dir: Fd, make: () => number, name: string, makesDirectory = false): number {
    let result = make();
    // In a living tree somebody else may put something there again.
    for (let tries = 0; result === EEXIST && tries < replacingTriesMax; tries++) {
      this.#checkReplacing(path, dir, makesDirectory);
      this.#forget(path);
      if (this.#rules.moveAside === undefined) removeTreeNow(dir, nameOf(path));
      else this.#rules.moveAside(dir, nameOf(path), join(path));
      result = make();
    }
    if (result < 0) throw new KernelError(name, quoteName(nameOf(path)), -result);
    return result;
  }

  /** The kernel would let us remove what is a mount point in another namespace, and take that mount away there. */
  #checkReplacing(path: TreePath, dir: Fd, makesDirectory: boolean): void {
    if (!this.#rules.isLiving) return;
    const name = nameOf(path);
    const there = statIn(dir, nameArgument(name));
    if (there === undefined) return;
    if (there.mountId !== statFd(dir).mountId) throw new Refusal('something is mounted there (device or resource busy)');
    const isDirectory = (there.mode & S.IFMT) === S.IFDIR;
    if (!this.#rules.keepsKinds || isDirectory === makesDirectory) return;
    throw new Refusal(isDirectory ? `cannot overwrite directory ${quoteName(name)} with non-directory` : `cannot overwrite non-directory ${quoteName(name)} with directory`);
  }

  #finishName(dir: Fd, path: TreePath, owner: Owner): void {
    const name = nameArgument(nameOf(path));
    call('fchownat', dir.number, name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW);
    // No descriptor of a link or a device takes attributes. The path leads through our own descriptor; its last part is one name, not followed.
    const ownPath = (): string | Buffer => nameArgument(`/proc/self/fd/${dir.number}/${nameOf(path)}` as ByteString);
    for (const [key, value] of owner.xattrs) setAttribute(key, value, () => tryCall('lsetxattr', ownPath(), nameArgument(key), value, value.length, 0));
    call('utimensat', dir.number, name, this.#timesOf(owner), AT_SYMLINK_NOFOLLOW);
  }

  #timesOf({ mtimeSeconds, mtimeNanoseconds }: Owner): Buffer {
    for (const at of [0, 16]) {
      this.#times.writeBigInt64LE(BigInt(mtimeSeconds), at);
      this.#times.writeBigInt64LE(BigInt(mtimeNanoseconds), at + 8);
    }
    return this.#times;
  }

  #parent(path: TreePath): Fd {
    return this.#directory(path.slice(0, -1), 'create');
  }

  #existingParent(path: TreePath): Fd {
    return this.#directory(path.slice(0, -1));
  }

  /** The held directory; with `create`, it and its parents are made where they are missing (an archive need not name them). */
  #directory(path: TreePath, missing: 'fail' | 'create' = 'fail'): Fd {
    if (path.length === 0) return this.#root;
    const joined = join(path);
    const known = this.#open.get(joined);
    if (known !== undefined) return known;
    let number = tryOpenIn(this.#root, nameArgument(joined), O.RDONLY | O.DIRECTORY, this.#how);
    if ((number === ENOENT || number === ENOTDIR) && missing === 'create') {
      this.#makeMissing(path, this.#directory(path.slice(0, -1), 'create'));
      number = tryOpenIn(this.#root, nameArgument(joined), O.RDONLY | O.DIRECTORY, this.#how);
    }
    if (number === ENOENT && missing === 'create') throw new Refusal(`a part of ${quoteName(joined)} is a link that leads nowhere`);
    if (number === ELOOP || number === ENOTDIR) throw new Refusal(`a part of ${quoteName(joined)} is not a directory but a link or a file`);
    if (number < 0) throw new KernelError('openat2', quoteName(joined), -number);
    return this.#remember(joined, new Fd(number));
  }

  /** A directory that the archive uses without naming it, or one in the place of a whiteout: what that hid stays hidden. */
  #makeMissing(path: TreePath, parent: Fd): void {
    const name = nameArgument(nameOf(path));
    const wasHidden = this.#whiteouts.delete(join(path));
    if (wasHidden) call('unlinkat', parent.number, name, 0);
    const made = tryCall('mkdirat', parent.number, name, 0o755);
    if (made < 0 && made !== EEXIST) throw new KernelError('mkdirat', quoteName(nameOf(path)), -made);
    if (made === 0) {
      using dir = openIn(parent, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain');
      call('fchmod', dir.number, 0o755);
    }
    if (wasHidden) this.makeOpaque(path);
  }

  #remember(joined: string, fd: Fd): Fd {
    if (this.#open.size >= openDirsMax) {
      const [oldest, old] = this.#open.entries().next().value!;
      old[Symbol.dispose]();
      this.#open.delete(oldest);
    }
    this.#open.set(joined, fd);
    return fd;
  }

  /** What is at `path` goes away: no held directory may stand in for it, or for something in it. */
  #forget(path: TreePath): void {
    const joined = join(path);
    this.#whiteouts.delete(joined);
    for (const [key, fd] of this.#open) {
      if (key !== joined && !key.startsWith(`${joined}/`)) continue;
      fd[Symbol.dispose]();
      this.#open.delete(key);
    }
  }
}

function join(path: TreePath): ByteString {
  return path.join('/') as ByteString;
}

function nameOf(path: TreePath): ByteString {
  const name = path.at(-1);
  if (name === undefined) throw new Refusal('it would replace the root directory');
  return name;
}

function isDirectory(dir: Fd, name: string | Buffer): boolean {
  const number = tryOpenIn(dir, name, O.PATH | O.DIRECTORY | O.NOFOLLOW, 'plain');
  if (number < 0) return false;
  new Fd(number)[Symbol.dispose]();
  return true;
}

/** As makedev(3): the 32 bits that the kernel takes. Source: linux/kdev_t.h, new_encode_dev. */
export function deviceNumber({ major, minor }: { readonly major: number; readonly minor: number }): number {
  if (major > 0xfff || minor > 0xfffff) throw new Refusal(`there is no device ${major}:${minor}`);
  return (minor & 0xff) + major * 256 + (minor >> 8) * 2 ** 20;
}

/** A filesystem without such attributes is no reason to refuse an image (Docker thinks so too); any other failure is. */
function setAttribute(name: ByteString, value: Buffer, set: () => number): void {
  const result = set();
  if (result >= 0) return;
  if (result === EOPNOTSUPP) return;
  throw new Refusal(`its extended attribute ${quoteName(name)} of ${value.length} bytes cannot be set (${errnoName(-result)})`);
}
