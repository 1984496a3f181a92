// Reads a tar from a stream of bytes, member after member, holding one chunk of the stream and one extension header at most.
//
// A member may be preceded by extension headers that speak of it: PAX ("x"), GNU long name ("L") and long link ("K"). Their own size is always
// their block's; what they say applies to the next member only. Global PAX headers ("g") are read and ignored, as Docker does.
// An archive comes from a stranger: whatever two readers could understand differently (a record twice, a name two ways, a sum that does not fit) is
// refused with one sentence that names the member. Paths are not judged here: who unpacks does that.
import { fail, type EstivaError } from '../../base/index.ts';
import { ByteReader } from './byte-reader.ts';
import { byteStringOf, quoteName, type ByteString } from './byte-string.ts';
import { blockBytes, tarLimits, type Segment, type TarEntry, type TarHeader, type TarLimits, type TarType } from './entry.ts';
import { hasMagic, isFault, parseBlock, type Block } from './header.ts';
import { parseDecimal, parsePaxTime } from './number.ts';
import { parsePax, xattrPrefix, type PaxRecord } from './pax.ts';
import { readOldSparseMap, readPaxSparseMap, type SparseMap } from './sparse.ts';

const types: Readonly<Record<string, TarType>> = {
  '0': 'file', '\0': 'file', '7': 'file', S: 'file', '1': 'hardlink', '2': 'symlink', '3': 'char', '4': 'block', '5': 'directory', '6': 'fifo',
};

/**
 * Yields the members of the tar in `source`, then reads the source to its end. A member's data are read (or skipped) before the next one is yielded.
 * `onFrame` sees all bytes of the archive, in order, but those that `data()` gave out.
 * @throws `invalid` for a broken archive, `too_large` beyond `limits`.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, limits: TarLimits = tarLimits, onFrame?: (bytes: Buffer) => void): AsyncGenerator<TarEntry, void, undefined> {
  const scan = new Scan(new ByteReader(source, onFrame), limits);
  try {
    for (;;) {
      const member = await scan.next();
      if (member === undefined) break;
      yield member.entry;
      await member.skipRest();
    }
    await scan.drain();
  } finally {
    await scan.close();
  }
}

interface Extensions {
  pax?: readonly PaxRecord[];
  longPath?: ByteString;
  longLink?: ByteString;
}

class Scan {
  readonly #reader: ByteReader;
  readonly #limits: TarLimits;
  #blocks = 0;
  #dataBytes = 0;

  constructor(reader: ByteReader, limits: TarLimits) {
    this.#reader = reader;
    this.#limits = limits;
  }

  /** The next member; undefined at the end-of-archive mark, or where the stream ends between two members. */
  async next(): Promise<Member | undefined> {
    const extensions: Extensions = {};
    for (;;) {
      const bytes = await this.#nextBlock();
      if (bytes === undefined) {
        if (Object.keys(extensions).length > 0) throw broken('its last member has extension headers but no header');
        return undefined;
      }
      const block = parseBlock(bytes);
      if (isFault(block) && this.#blocks === 0 && !hasMagic(bytes)) throw broken('it is not a tar archive');
      if (isFault(block)) throw block.path === '' ? broken(`at byte ${this.#reader.position - blockBytes}, ${block.reason}`) : brokenMember(block.path, block.reason);
      if (++this.#blocks > this.#limits.entriesMax) throw fail('too_large', `Cannot read the archive: it has more than ${this.#limits.entriesMax} members`);
      if (!await this.#extension(block, extensions)) return this.#member(block, Buffer.from(bytes), extensions);
    }
  }

  /** Reads what follows the end-of-archive mark: a digest of the stream covers it too. */
  async drain(): Promise<void> {
    for (;;) {
      const rest = await this.#reader.some(2 ** 20);
      if (rest === undefined) return;
      this.#count(rest.length);
    }
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #nextBlock(): Promise<Buffer | undefined> {
    const block = this.#reader.tryExactly(blockBytes) ?? await this.#reader.exactly(blockBytes);
    if (block.length === 0) return undefined;
    if (block.length < blockBytes && this.#blocks === 0) throw broken('it is not a tar archive');
    if (block.length < blockBytes) throw broken(`it ends inside a header, at byte ${this.#reader.position}`);
    if (!isZero(block)) return block;
    const second = await this.#reader.exactly(blockBytes);
    if (second.length === 0 || (second.length === blockBytes && isZero(second))) return undefined;
    throw broken(`a single empty block at byte ${this.#reader.position - second.length - blockBytes} is followed by more members`);
  }

  /** Whether `block` was an extension header, and then it is read. */
  async #extension(block: Block, extensions: Extensions): Promise<boolean> {
    if (!'xgLKV'.includes(block.typeFlag)) return false;
    if (block.sizeBytes > this.#limits.extensionBytesMax) throw fail('too_large', `Cannot read the archive: the extension header ${quoteName(block.path)} has ${block.sizeBytes} bytes, more than ${this.#limits.extensionBytesMax}`);
    const bytes = Buffer.from(await this.#reader.exactly(block.sizeBytes));
    if (bytes.length < block.sizeBytes || !await this.#reader.skip(paddingOf(block.sizeBytes))) throw brokenMember(block.path, 'the archive ends inside it');
    if (block.typeFlag === 'x') this.#once(extensions, 'pax', parsePaxOf(block.path, bytes));
    if (block.typeFlag === 'L') this.#once(extensions, 'longPath', untilNul(bytes));
    if (block.typeFlag === 'K') this.#once(extensions, 'longLink', untilNul(bytes));
    return true;
  }

  #once<K extends keyof Extensions>(extensions: Extensions, key: K, value: Extensions[K]): void {
    if (extensions[key] !== undefined) throw broken(`two extension headers of one kind before one member, at byte ${this.#reader.position}`);
    extensions[key] = value;
  }

  async #member(block: Block, bytes: Buffer, extensions: Extensions): Promise<Member> {
    const header = headerOf(block, extensions, this.#limits);
    const storedBytes = header.sizeBytes;
    this.#count(storedBytes);
    const map = await this.#sparseMap(block, bytes, header, extensions.pax ?? []);
    if (typeof map === 'string') throw brokenMember(header.path, map);
    if (map === undefined) return new Member(this.#reader, header, undefined, storedBytes, storedBytes);
    const left = storedBytes - map.mapBytes;
    if (left !== map.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)) throw brokenMember(header.path, 'its sparse map does not fit its data');
    return new Member(this.#reader, { ...header, sizeBytes: map.realBytes }, map.segments, left, storedBytes);
  }

  async #sparseMap(block: Block, bytes: Buffer, header: TarHeader, pax: readonly PaxRecord[]): Promise<SparseMap | string | undefined> {
    if (header.type !== 'file') return undefined;
    if (block.typeFlag === 'S') return block.dialect === 'gnu' ? readOldSparseMap(bytes, this.#reader, this.#limits.extensionBytesMax) : 'it is a sparse file of an unknown format';
    return readPaxSparseMap(pax, this.#reader, header.sizeBytes, this.#limits.extensionBytesMax);
  }

  #count(bytes: number): void {
    this.#dataBytes += bytes;
    if (this.#dataBytes > this.#limits.dataBytesMax) throw fail('too_large', `Cannot read the archive: it has more than ${this.#limits.dataBytesMax} bytes of data`);
  }
}

class Member {
  readonly entry: TarEntry;
  readonly #reader: ByteReader;
  #dataLeft: number;
  readonly #padding: number;
  readonly #path: ByteString;

  constructor(reader: ByteReader, header: TarHeader, segments: readonly Segment[] | undefined, dataBytes: number, storedBytes: number) {
    this.#reader = reader;
    this.#dataLeft = dataBytes;
    this.#padding = paddingOf(storedBytes);
    this.#path = header.path;
    this.entry = { ...header, segments, data: () => this.#data() };
  }

  async skipRest(): Promise<void> {
    const rest = this.#dataLeft;
    this.#dataLeft = 0;
    if (!await this.#reader.skip(rest)) throw brokenMember(this.#path, 'the archive ends inside it');
    // Some writers (umoci's layouts, archived in Go) leave out the padding of the very last member.
    await this.#reader.skip(this.#padding);
  }

  async *#data(): AsyncGenerator<Buffer, void, undefined> {
    while (this.#dataLeft > 0) {
      const piece = await this.#reader.someData(this.#dataLeft);
      if (piece === undefined) throw brokenMember(this.#path, 'the archive ends inside it');
      this.#dataLeft -= piece.length;
      yield piece;
    }
  }
}

/** What the member's blocks say together. Its size is that of the stored data, which for a sparse file is not yet the file's. */
function headerOf(block: Block, extensions: Extensions, limits: TarLimits): TarHeader {
  const pax = new Map<string, Buffer>(extensions.pax?.filter(([, value]) => value.length > 0));
  const path = nameOf(block.path, pax.get('GNU.sparse.name') ?? pax.get('path'), extensions.longPath, block.path);
  const linkPath = nameOf(block.linkPath, pax.get('linkpath'), extensions.longLink, path);
  if (path === '') throw broken('a member without a name');
  for (const name of [path, linkPath]) if (name.length > limits.pathBytesMax) throw brokenMember(path, `a path of ${name.length} bytes is longer than ${limits.pathBytesMax}`);
  const plainType = types[block.typeFlag];
  if (plainType === undefined) throw brokenMember(path, `its type ${JSON.stringify(block.typeFlag)} is unknown`);
  // The old dialect had no type for directories but a "/" at the end of the name.
  const type = plainType === 'file' && block.dialect === 'old' && path.endsWith('/') ? 'directory' : plainType;
  const size = numberOf(pax, 'size', path) ?? block.sizeBytes;
  const isDevice = type === 'char' || type === 'block';
  const [mtimeSeconds, mtimeNanoseconds] = timeOf(pax, path) ?? [block.mtimeSeconds, 0];
  return {
    type, path, linkPath: type === 'hardlink' || type === 'symlink' ? linkPath : '' as ByteString, mode: block.mode,
    uid: numberOf(pax, 'uid', path) ?? block.uid, gid: numberOf(pax, 'gid', path) ?? block.gid,
    // Other types may tell a size but have no data (some old tars tell a hard link's); Go and therefore Docker read it so.
    sizeBytes: type === 'file' ? size : 0, mtimeSeconds, mtimeNanoseconds,
    deviceMajor: isDevice ? block.deviceMajor : 0, deviceMinor: isDevice ? block.deviceMinor : 0,
    xattrs: xattrsOf(extensions.pax ?? [], path),
  };
}

/** The name that holds: a PAX record or a GNU long name before the block's own; both at once must agree. */
function nameOf(own: ByteString, pax: Buffer | undefined, long: ByteString | undefined, member: ByteString): ByteString {
  const ofPax = pax === undefined ? undefined : byteStringOf(pax);
  if (ofPax?.includes('\0') === true) throw brokenMember(member, 'a PAX path contains a NUL byte');
  if (ofPax !== undefined && long !== undefined && ofPax !== long) throw brokenMember(member, 'it has two different names');
  return ofPax ?? long ?? own;
}

function numberOf(pax: ReadonlyMap<string, Buffer>, key: string, path: ByteString): number | undefined {
  const value = pax.get(key);
  if (value === undefined) return undefined;
  const number = parseDecimal(value.toString('latin1'));
  if (number === undefined) throw brokenMember(path, `its PAX ${key} is not a number`);
  return number;
}

function timeOf(pax: ReadonlyMap<string, Buffer>, path: ByteString): [number, number] | undefined {
  const value = pax.get('mtime');
  if (value === undefined) return undefined;
  const time = parsePaxTime(value.toString('latin1'));
  if (time === undefined) throw brokenMember(path, 'its PAX mtime is not a time');
  return time;
}

const xattrNameBytesMax = 255;

function xattrsOf(pax: readonly PaxRecord[], path: ByteString): ReadonlyMap<ByteString, Buffer> {
  const xattrs = new Map<ByteString, Buffer>();
  for (const [key, value] of pax) {
    if (!key.startsWith(xattrPrefix)) continue;
    const name = key.slice(xattrPrefix.length) as ByteString;
    if (name === '' || name.length > xattrNameBytesMax) throw brokenMember(path, `the name of an extended attribute has ${name.length} bytes`);
    xattrs.set(name, value);
  }
  return xattrs;
}

function parsePaxOf(path: ByteString, bytes: Buffer): readonly PaxRecord[] {
  const records = parsePax(bytes);
  if (typeof records === 'string') throw brokenMember(path, records);
  return records;
}

function untilNul(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0);
  return byteStringOf(end < 0 ? bytes : bytes.subarray(0, end));
}

function paddingOf(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

const zeroBlock = Buffer.alloc(blockBytes);

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.equals(zeroBlock);
}

function broken(reason: string): EstivaError {
  return fail('invalid', `Cannot read the archive: ${reason}`);
}

function brokenMember(path: ByteString, reason: string): EstivaError {
  return fail('invalid', `Cannot read ${quoteName(path)} of the archive: ${reason}`);
}
