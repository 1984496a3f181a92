// Writes a tar: ustar blocks, preceded by a PAX header where ustar is too narrow (long names, large ids and sizes, parts of seconds, xattrs).
// The same members give the same bytes, always.
import { byteString, type ByteString } from './byte-string.ts';
import { blockBytes, type TarHeader, type TarType } from './entry.ts';
import { formatBlock, type BlockFields } from './header.ts';
import { formatPaxTime } from './number.ts';
import { formatPaxRecord, xattrPrefix } from './pax.ts';

export interface TarMember {
  readonly header: TarHeader;
  /** Exactly `header.sizeBytes` bytes, for a file. */
  readonly data?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const flags: Readonly<Record<TarType, string>> = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', directory: '5', fifo: '6' };

/** The archive of `members`, with its end mark. @throws Error when a member's data have another length than its header says: a bug of the caller. */
export async function* writeTar(members: AsyncIterable<TarMember> | Iterable<TarMember>): AsyncGenerator<Buffer, void, undefined> {
  for await (const { header, data } of members) {
    yield formatHeader(header);
    let missing = header.sizeBytes;
    for await (const piece of data ?? []) {
      missing -= piece.length;
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    }
    if (missing !== 0) throw new Error(`The data of ${header.path} are not as long as its header says (${missing} bytes missing)`);
    const padding = (blockBytes - (header.sizeBytes % blockBytes)) % blockBytes;
    if (padding > 0) yield Buffer.alloc(padding);
  }
  yield Buffer.alloc(2 * blockBytes);
}

/** A header with everything that is not given: root's, 0644 (directories 0755), the epoch. */
export function tarHeader(header: Pick<TarHeader, 'type'> & { readonly path: string } & Partial<Omit<TarHeader, 'type' | 'path'>>): TarHeader {
  return {
    linkPath: byteString(''), mode: header.type === 'directory' ? 0o755 : 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeSeconds: 0, mtimeNanoseconds: 0,
    deviceMajor: 0, deviceMinor: 0, xattrs: new Map(), ...header, path: byteString(header.path),
  };
}

const octalMax = { id: 0o7777777, size: 0o77777777777, time: 0o77777777777 };
const nameBytesMax = 100;

/** The blocks before a member's data. */
export function formatHeader(header: TarHeader): Buffer {
  const place = placeOf(header.path);
  const records: Buffer[] = [];
  const record = (key: string, value: string | Buffer): void => {
    records.push(formatPaxRecord(byteString(key), typeof value === 'string' ? Buffer.from(value, 'latin1') : value));
  };
  if (place === undefined) record('path', header.path);
  if (header.linkPath.length > nameBytesMax) record('linkpath', header.linkPath);
  if (header.sizeBytes > octalMax.size) record('size', String(header.sizeBytes));
  if (header.uid > octalMax.id) record('uid', String(header.uid));
  if (header.gid > octalMax.id) record('gid', String(header.gid));
  const isPlainTime = header.mtimeNanoseconds === 0 && header.mtimeSeconds >= 0 && header.mtimeSeconds <= octalMax.time;
  if (!isPlainTime) record('mtime', formatPaxTime(header.mtimeSeconds, header.mtimeNanoseconds));
  for (const [name, value] of header.xattrs) records.push(formatPaxRecord(`${xattrPrefix}${name}` as ByteString, value));
  const block = formatBlock({
    ...header, typeFlag: flags[header.type], ...place ?? { name: header.path.slice(0, nameBytesMax) as ByteString, prefix: byteString('') },
    linkPath: header.linkPath.slice(0, nameBytesMax) as ByteString,
  });
  return records.length === 0 ? block : Buffer.concat([paxHeader(header.path, Buffer.concat(records)), block]);
}

function paxHeader(path: ByteString, records: Buffer): Buffer {
  const fields: BlockFields = {
    typeFlag: 'x', name: `PaxHeaders/${path.slice(0, 80)}` as ByteString, prefix: byteString(''), linkPath: byteString(''), mode: 0o644, uid: 0, gid: 0,
    sizeBytes: records.length, mtimeSeconds: 0, deviceMajor: 0, deviceMinor: 0,
  };
  return Buffer.concat([formatBlock(fields), records, Buffer.alloc((blockBytes - (records.length % blockBytes)) % blockBytes)]);
}

/** Where the path fits: the name field, or split at a "/" into prefix and name. Undefined: nowhere. */
function placeOf(path: ByteString): { readonly name: ByteString; readonly prefix: ByteString } | undefined {
  if (path.length <= nameBytesMax) return { name: path, prefix: byteString('') };
  const cut = path.indexOf('/', path.length - nameBytesMax - 1);
  if (cut <= 0 || cut > 155 || cut === path.length - 1) return undefined;
  return { name: path.slice(cut + 1) as ByteString, prefix: path.slice(0, cut) as ByteString };
}
