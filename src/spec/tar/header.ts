// The 512-byte header block. Three dialects: ustar (POSIX: a prefix field), GNU (other use of the prefix's place), and the old one without magic.
// Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
import { byteString, byteStringOf, type ByteString } from './byte-string.ts';
import { blockBytes } from './entry.ts';
import { parseNumber, writeOctal } from './number.ts';

export interface Block {
  readonly typeFlag: string;
  readonly path: ByteString;
  readonly linkPath: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly dialect: 'ustar' | 'star' | 'gnu' | 'old';
}

export type BlockFault = { readonly path: ByteString; readonly reason: string };

/** The header in `block`, or what is wrong with it. */
export function parseBlock(block: Buffer): Block | BlockFault {
  const path = text(block, 0, 100);
  const checksum = parseNumber(block.subarray(148, 156));
  if (checksum === undefined || !checksumsOf(block).includes(checksum)) return { path, reason: 'its header checksum is wrong' };
  const dialect = dialectOf(block);
  const hasDevices = dialect !== 'old';
  const numbers = {
    mode: parseNumber(block.subarray(100, 108)),
    uid: parseNumber(block.subarray(108, 116)),
    gid: parseNumber(block.subarray(116, 124)),
    sizeBytes: parseNumber(block.subarray(124, 136)),
    mtimeSeconds: parseNumber(block.subarray(136, 148)),
    deviceMajor: hasDevices ? parseNumber(block.subarray(329, 337)) : 0,
    deviceMinor: hasDevices ? parseNumber(block.subarray(337, 345)) : 0,
  };
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined) return { path, reason: `its ${name} is not a number` };
    if (value < 0 && name !== 'mtimeSeconds') return { path, reason: `its ${name} is negative` };
  }
  const prefix = dialect === 'ustar' ? text(block, 345, 155) : dialect === 'star' ? text(block, 345, 131) : byteString('');
  return {
    ...(numbers as Record<keyof typeof numbers, number>), mode: numbers.mode! & 0o7777,
    typeFlag: String.fromCharCode(block[156]!), dialect,
    path: prefix === '' ? path : `${prefix}/${path}` as ByteString, linkPath: text(block, 157, 100),
  };
}

export function isFault(block: Block | BlockFault): block is BlockFault {
  return 'reason' in block;
}

/** Whether the block says of itself that it is a tar header. Without, it may be one of an old tar, or of no tar at all. */
export function hasMagic(block: Buffer): boolean {
  return block.toString('latin1', 257, 262) === 'ustar';
}

function text(block: Buffer, at: number, length: number): ByteString {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return byteStringOf(end < 0 ? field : field.subarray(0, end));
}

/** Both sums that exist: of unsigned bytes, and (old Sun and Unix tars) of signed ones. The checksum's own field counts as spaces. */
function checksumsOf(block: Buffer): readonly [unsigned: number, signed: number] {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = 0; i < blockBytes; i++) {
    if (i === 148) i = 156;
    unsigned += block[i]!;
    high += block[i]! >> 7;
  }
  return [unsigned, unsigned - 256 * high];
}

function dialectOf(block: Buffer): Block['dialect'] {
  const magic = block.toString('latin1', 257, 265);
  if (magic.startsWith('ustar\0')) return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
  return magic === 'ustar  \0' ? 'gnu' : 'old';
}

/** What a ustar block can say; what does not fit must have gone into a PAX header before. */
export interface BlockFields {
  readonly typeFlag: string;
  readonly name: ByteString;
  readonly prefix: ByteString;
  readonly linkPath: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** Numbers that do not fit are written as 0 (a PAX record carries them). */
export function formatBlock(fields: BlockFields): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(fields.name, 0, 100, 'latin1');
  const numbers: readonly [value: number, at: number, length: number][] = [
    [fields.mode, 100, 8], [fields.uid, 108, 8], [fields.gid, 116, 8], [fields.sizeBytes, 124, 12], [fields.mtimeSeconds, 136, 12],
    [fields.deviceMajor, 329, 8], [fields.deviceMinor, 337, 8],
  ];
  for (const [value, at, length] of numbers) {
    const field = block.subarray(at, at + length);
    if (!writeOctal(field, value)) writeOctal(field, 0);
  }
  block.write(fields.typeFlag, 156, 'latin1');
  block.write(fields.linkPath, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(fields.prefix, 345, 155, 'latin1');
  writeOctal(block.subarray(148, 155), checksumsOf(block)[0]);
  block[155] = 0x20;
  return block;
}
