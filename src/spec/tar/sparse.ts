// Sparse files: only the written parts are stored, and a map says where they belong. Four dialects, all of GNU tar: the old header ("S"), and
// PAX 0.0, 0.1 and 1.0. Source: GNU tar manual, "Storing Sparse Files".
import type { ByteReader } from './byte-reader.ts';
import { blockBytes, type Segment } from './entry.ts';
import { parseDecimal, parseNumber } from './number.ts';
import type { PaxRecord } from './pax.ts';

export interface SparseMap {
  readonly segments: readonly Segment[];
  readonly realBytes: number;
  /** Bytes of the stored data that the map itself took. */
  readonly mapBytes: number;
}

const oldHeader = { mapAt: 386, entries: 4, moreAt: 482, realSizeAt: 483 };
const oldExtension = { mapAt: 0, entries: 21, moreAt: 504 };

/** The map of an old GNU header, which may go on in blocks of its own after it. A string says what is wrong. */
export async function readOldSparseMap(header: Buffer, reader: ByteReader, bytesMax: number): Promise<SparseMap | string> {
  const realBytes = parseNumber(header.subarray(oldHeader.realSizeAt, oldHeader.realSizeAt + 12));
  const numbers: (number | undefined)[] = [];
  collectOld(header, oldHeader, numbers);
  let hasMore = header[oldHeader.moreAt] !== 0;
  for (let read = 0; hasMore; read += blockBytes) {
    if (read >= bytesMax) return 'its sparse map is too long';
    const block = await reader.exactly(blockBytes);
    if (block.length < blockBytes) return 'the archive ends inside its sparse map';
    collectOld(block, oldExtension, numbers);
    hasMore = block[oldExtension.moreAt] !== 0;
  }
  return mapOf(numbers, realBytes, 0);
}

function collectOld(block: Buffer, layout: { mapAt: number; entries: number }, numbers: (number | undefined)[]): void {
  for (let i = 0; i < layout.entries; i++) {
    const at = layout.mapAt + i * 24;
    if (block[at + 12] === 0) return;
    numbers.push(parseNumber(block.subarray(at, at + 12)), parseNumber(block.subarray(at + 12, at + 24)));
  }
}

/** The map of PAX records; undefined when they speak of none. */
export async function readPaxSparseMap(records: readonly PaxRecord[], reader: ByteReader, storedBytes: number, bytesMax: number): Promise<SparseMap | string | undefined> {
  const texts = new Map(records.map(([key, value]) => [key as string, value.toString('latin1')]));
  const real = texts.get('GNU.sparse.realsize') ?? texts.get('GNU.sparse.size');
  const major = texts.get('GNU.sparse.major');
  if (major === undefined && real === undefined) return undefined;
  const realBytes = parseDecimal(real ?? '');
  if (major !== undefined && major !== '0') {
    if (major !== '1' || texts.get('GNU.sparse.minor') !== '0') return 'its sparse format is unknown';
    return readDataMap(reader, storedBytes, bytesMax, realBytes);
  }
  const map = texts.get('GNU.sparse.map');
  if (map !== undefined) return mapOf(map === '' ? [] : map.split(',').map(parseDecimal), realBytes, 0);
  const pairs = records.filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes');
  if (pairs.some(([key], i) => key !== (i % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes'))) return 'its sparse map is out of order';
  return mapOf(pairs.map(([, value]) => parseDecimal(value.toString('latin1'))), realBytes, 0);
}

/** PAX 1.0: the map stands before the data, as lines of decimals (a count, then pairs), filled up to a whole block. */
async function readDataMap(reader: ByteReader, storedBytes: number, bytesMax: number, realBytes: number | undefined): Promise<SparseMap | string> {
  const numbers: (number | undefined)[] = [];
  let pending = '';
  let read = 0;
  for (let wanted = 1; numbers.length < wanted;) {
    if (read >= storedBytes) return 'its sparse map is cut off';
    if (read >= bytesMax || pending.length > 16) return 'its sparse map is too long';
    const block = await reader.exactly(blockBytes);
    if (block.length < blockBytes) return 'the archive ends inside its sparse map';
    read += blockBytes;
    const lines = (pending + block.toString('latin1')).split('\n');
    pending = lines.pop()!;
    for (const line of lines.slice(0, wanted - numbers.length)) numbers.push(parseDecimal(line));
    if (numbers.length === 0 || wanted > 1) continue;
    if (numbers[0] === undefined || numbers[0] * 4 > bytesMax) return 'its sparse map has no usable length';
    wanted = 1 + 2 * numbers[0];
    for (const line of lines.slice(1, wanted)) numbers.push(parseDecimal(line));
  }
  return mapOf(numbers.slice(1), realBytes, read);
}

function mapOf(numbers: readonly (number | undefined)[], realBytes: number | undefined, mapBytes: number): SparseMap | string {
  if (realBytes === undefined || realBytes < 0) return 'the size of its sparse file is not a number';
  if (numbers.length % 2 !== 0) return 'its sparse map is incomplete';
  const segments: Segment[] = [];
  let end = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = numbers[i];
    const sizeBytes = numbers[i + 1];
    if (offset === undefined || sizeBytes === undefined || sizeBytes < 0) return 'its sparse map is not made of numbers';
    if (offset < end || offset + sizeBytes > realBytes) return 'its sparse map overlaps itself or leaves the file';
    end = offset + sizeBytes;
    if (sizeBytes > 0) segments.push({ offset, sizeBytes });
  }
  return { segments, realBytes, mapBytes };
}
