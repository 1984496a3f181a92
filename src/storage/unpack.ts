// Unpacks a tar: a layer's into a tree for overlayfs, or a copy into a container's own tree, as it is written.
//
// Docker's and OCI's tars say "this is gone" with a file ".wh.<name>" (a whiteout) and "nothing from below in this directory" with ".wh..wh..opq";
// overlayfs wants a character device 0:0 and an attribute. Both mean the layers below only, never what the same layer has, in whatever order.
// Attributes of overlayfs in the tar itself are dropped: with them an archive could point into other layers' directories.
import { fail } from '../base/index.ts';
import { call, errnoSentence, isKernelError, type Fd } from '../kernel/index.ts';
import { byteString, quoteName, readTar, tarLimits, type ByteString, type TarEntry, type TarHeader } from '../spec/tar/index.ts';
import { overlayAttributes } from './attributes.ts';
import type { FrameWriter } from './frame.ts';
import { Refusal, Tree, type Owner, type TreePath } from './tree.ts';
import { Turn } from './turn.ts';

const whiteoutPrefix = '.wh.';
const whiteoutMetaPrefix = '.wh..wh.';
const opaqueName = '.wh..wh..opq';

export interface Unpacked {
  /** Lengths of the files and of the links' texts together: what Docker shows as the size. */
  readonly sizeBytes: number;
  readonly entries: number;
}

/** How a copy goes into a container. */
export interface CopyRules {
  /** Neither a directory in the place of something else, nor the reverse. */
  readonly keepsKinds: boolean;
  /** Whose everything becomes; undefined: as the archive says. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** What the archive says of its top is said of the directory that it goes into. Else that stays as it is, as with Docker. */
  readonly includesTop?: boolean;
}

export interface UnpackOptions {
  /** Return only when the filesystem has everything on disk. */
  readonly durable: boolean;
  readonly signal?: AbortSignal | undefined;
  /** For a layer: where its frame goes. It is ended, and stays the caller's. */
  readonly frame?: FrameWriter | undefined;
  /** For a copy. Without it, the tar is a layer's. */
  readonly copy?: CopyRules | undefined;
}

/**
 * Reads `tar` to its end and makes what it says beneath `root` (for a layer an empty directory), which is taken over and closed.
 * @throws `invalid` for an archive that is broken or would leave the tree; KernelError for what the kernel refuses for its own reasons.
 */
export async function unpackTree(tar: AsyncIterable<Uint8Array>, root: Fd, options: UnpackOptions): Promise<Unpacked> {
  const { frame, copy } = options;
  const moveAside = frame === undefined ? undefined : (dir: Fd, name: ByteString, path: ByteString): void => frame.moveAside(dir, name, path);
  using tree = new Tree(root, { isLiving: copy !== undefined, keepsKinds: copy?.keepsKinds === true, moveAside });
  const turn = new Turn();
  const directories = new Map<string, readonly [path: TreePath, owner: Owner]>();
  let sizeBytes = 0;
  let entries = 0;
  for await (const entry of readTar(tar, tarLimits, frame === undefined ? undefined : (bytes) => frame.raw(bytes))) {
    options.signal?.throwIfAborted();
    try {
      const path = pathOf(entry.path);
      if (copy !== undefined && copy.includesTop !== true && path.length === 0) continue;
      if (entry.type === 'directory') directories.set(path.join('/'), [path, entry]);
      sizeBytes += await place(tree, path, entry, options);
    } catch (error) {
      throw explain(error, entry, copy !== undefined);
    }
    entries++;
    await turn.yield();
  }
  // Last and deepest first: making something in a directory changes its time.
  for (const [path, owner] of [...directories.values()].reverse()) {
    tree.setDirectoryTime(path, owner);
    await turn.yield();
  }
  frame?.end();
  if (options.durable) call('syncfs', root.number);
  return { sizeBytes, entries };
}

/** Adds the entry; the result is what it adds to the layer's size. */
async function place(tree: Tree, path: TreePath, entry: TarEntry, { copy, frame }: UnpackOptions): Promise<number> {
  const name = path.at(-1) ?? byteString('');
  if (copy === undefined && name.startsWith(whiteoutPrefix)) {
    placeWhiteout(tree, path, name);
    return 0;
  }
  const owner = { ...entry, ...copy?.owner, xattrs: layerAttributes(entry) };
  switch (entry.type) {
    case 'file': return placeFile(tree, path, entry, owner, frame);
    case 'directory': tree.createDirectory(path, owner); break;
    case 'symlink': tree.createSymlink(path, symlinkText(entry), owner); return entry.linkPath.length;
    case 'hardlink': placeHardLink(tree, path, entry); break;
    default: tree.createSpecial(path, entry.type, { major: entry.deviceMajor, minor: entry.deviceMinor }, owner);
  }
  return 0;
}

function placeWhiteout(tree: Tree, path: TreePath, name: ByteString): void {
  const parent = path.slice(0, -1);
  if (name === opaqueName) return tree.makeOpaque(parent);
  // Leftovers of aufs (.wh..wh.plnk and so on) mean nothing here.
  if (name.startsWith(whiteoutMetaPrefix)) return undefined;
  const hidden = name.slice(whiteoutPrefix.length) as ByteString;
  if (hidden === '' || hidden === '.' || hidden === '..') throw new Refusal('it is a whiteout of no file');
  return tree.createWhiteout([...parent, hidden]);
}

async function placeFile(tree: Tree, path: TreePath, entry: TarEntry, owner: Owner, frame: FrameWriter | undefined): Promise<number> {
  using file = tree.createFile(path, entry.mode);
  if (entry.segments === undefined) await writeWhole(file, entry);
  else await writeSegments(file, entry, entry.segments);
  tree.finishFile(file, owner);
  if (entry.sizeBytes > 0) frame?.data(path.join('/') as ByteString, entry.segments ?? [{ offset: 0, sizeBytes: entry.sizeBytes }]);
  return entry.sizeBytes;
}

async function writeWhole(file: Fd, entry: TarEntry): Promise<void> {
  let at = 0;
  for await (const piece of entry.data()) {
    writeAll(file, piece, at);
    at += piece.length;
  }
}

async function writeSegments(file: Fd, entry: TarEntry, segments: NonNullable<TarEntry['segments']>): Promise<void> {
  call('ftruncate', file.number, entry.sizeBytes);
  let index = 0;
  let inSegment = 0;
  for await (const piece of entry.data()) {
    for (let at = 0; at < piece.length;) {
      const segment = segments[index]!;
      const part = piece.subarray(at, at + segment.sizeBytes - inSegment);
      writeAll(file, part, segment.offset + inSegment);
      at += part.length;
      inSegment += part.length;
      if (inSegment === segment.sizeBytes) [index, inSegment] = [index + 1, 0];
    }
  }
}

function writeAll(file: Fd, bytes: Buffer, offset: number): void {
  for (let at = 0; at < bytes.length;) at += call('pwrite64', file.number, at === 0 ? bytes : bytes.subarray(at), bytes.length - at, offset + at);
}

function symlinkText(entry: TarHeader): ByteString {
  if (entry.linkPath === '') throw new Refusal('it is a symbolic link to nothing');
  return entry.linkPath;
}

function placeHardLink(tree: Tree, path: TreePath, entry: TarHeader): void {
  const target = pathOf(entry.linkPath);
  if (target.join('/') === path.join('/')) throw new Refusal('it is a hard link to itself');
  try {
    tree.createHardLink(path, target);
  } catch (error) {
    if (isKernelError(error, 'ENOENT')) throw new Refusal(`it is a hard link to ${quoteName(entry.linkPath)}, which is not there`, { cause: error });
    if (isKernelError(error, 'EPERM')) throw new Refusal(`it is a hard link to ${quoteName(entry.linkPath)}, which is a directory`, { cause: error });
    throw error;
  }
}

function layerAttributes(entry: TarHeader): TarHeader['xattrs'] {
  if (entry.xattrs.size === 0) return entry.xattrs;
  return new Map([...entry.xattrs].filter(([name]) => !overlayAttributes.test(name)));
}

const componentBytesMax = 255;

/** The components of a path in an archive: relative to the tree's root, whatever it begins with; "." means nothing, ".." is refused. */
function pathOf(text: ByteString): TreePath {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.') as ByteString[];
  if (parts.includes('..' as ByteString)) throw new Refusal(`the path ${quoteName(text)} goes upwards ("..")`);
  if (parts.length > tarLimits.depthMax) throw new Refusal(`a path of ${parts.length} components is deeper than ${tarLimits.depthMax}`);
  const long = parts.find((part) => part.length > componentBytesMax);
  if (long !== undefined) throw new Refusal(`a name of ${long.length} bytes is longer than ${componentBytesMax}`);
  return parts;
}

/** Errno values with which the kernel answers to a path or a value, not to the state of the machine. */
const archiveFaults = ['ENAMETOOLONG', 'EINVAL', 'EFBIG', 'EEXIST', 'ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'];

/** What a container's tree answers besides: it is not ours to know why. */
const treeFaults = [...archiveFaults, 'EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOTEMPTY', 'EXDEV', 'EOPNOTSUPP'];

/** Puts the entry's name before the reason. A full disk and the like are not the archive's fault, and stay what they are. */
function explain(error: unknown, entry: TarHeader, isCopy: boolean): unknown {
  if (!(error instanceof Refusal) && !isKernelError(error, ...isCopy ? treeFaults : archiveFaults)) return error;
  const reason = isCopy && isKernelError(error) ? errnoSentence(error.code) : error.message;
  return fail('invalid', `Cannot unpack ${quoteName(entry.path)}: ${reason}`, { cause: error });
}
