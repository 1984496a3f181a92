// The frame of a layer: everything of its tar but the data of its files, which lie unpacked in the layer's directory. With it the tar can be written
// again, byte for byte: what `save` gives away has the digest that the image's configuration names (docs/decisions/0011-frames.md).
//
// A frame is a directory: the file "records", and, where an archive says something twice, "aside/<n>" with what a later member replaced. Records are
// written in blocks, each compressed by itself: raw bytes, "so many bytes of that file", "what was at that path lies in aside/n from here on".
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { call, Fd, isKernelError, O, openIn, tryCall } from '../kernel/index.ts';
import { quoteName, type ByteString } from '../spec/tar/index.ts';
import { nameArgument } from './names.ts';
import type { Sheets } from './sheets.ts';

const blockBytesMin = 256 * 1024;
/** A block ends with the record that fills it; raw records are pieces of a stream. */
const blockBytesMax = 64 * 1024 * 1024;
const recordsName = 'records';
const asideName = 'aside';
const kinds = { raw: 0, data: 1, moved: 2 } as const;

export interface Segment {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Written while a layer is unpacked. `dir` is an empty directory, which is taken over. */
export class FrameWriter implements Disposable {
  readonly #dir: Fd;
  readonly #records: Fd;
  #aside: Fd | undefined;
  #asideCount = 0;
  #block: Uint8Array[] = [];
  #blockBytes = 0;
  #written = 0;

  constructor(dir: Fd) {
    this.#dir = dir;
    this.#records = Fd.open(recordsName, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o600, dir);
  }

  raw(bytes: Uint8Array): void {
    this.#add(kinds.raw, Buffer.from(bytes));
  }

  /** The bytes of the file at `path` that follow in the tar. */
  data(path: ByteString, segments: readonly Segment[]): void {
    this.#add(kinds.data, Buffer.from(JSON.stringify([path, segments.map(({ offset, sizeBytes }) => [offset, sizeBytes])])));
  }

  /** Moves `name`, which the tar has under `path`, out of the layer: something else takes its place. */
  moveAside(from: Fd, name: ByteString, path: ByteString): void {
    if (this.#aside === undefined) {
      call('mkdirat', this.#dir.number, asideName, 0o700);
      this.#aside = Fd.open(asideName, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, this.#dir);
    }
    const number = this.#asideCount++;
    call('renameat2', from.number, nameArgument(name), this.#aside.number, String(number), 0);
    this.#add(kinds.moved, Buffer.from(JSON.stringify([path, number])));
  }

  /** Writes what is left. */
  end(): void {
    this.#flush();
  }

  #add(kind: number, payload: Uint8Array): void {
    const header = Buffer.alloc(5);
    header[0] = kind;
    header.writeUInt32LE(payload.length, 1);
    this.#block.push(header, payload);
    this.#blockBytes += header.length + payload.length;
    if (this.#blockBytes >= blockBytesMin) this.#flush();
  }

  #flush(): void {
    if (this.#blockBytes === 0) return;
    const compressed = zstdCompressSync(Buffer.concat(this.#block));
    const header = Buffer.alloc(4);
    header.writeUInt32LE(compressed.length, 0);
    const bytes = Buffer.concat([header, compressed]);
    for (let at = 0; at < bytes.length;) at += call('pwrite64', this.#records.number, bytes.subarray(at), bytes.length - at, this.#written + at);
    this.#written += bytes.length;
    this.#block = [];
    this.#blockBytes = 0;
  }

  [Symbol.dispose](): void {
    for (const fd of [this.#aside, this.#records, this.#dir]) fd?.[Symbol.dispose]();
  }
}

/** Writes the tar of the layer unpacked at `layer` again. @throws KernelError or Error when files of it are not there any more. */
export function rebuildTar(layer: Fd, frame: Fd, sheets: Sheets): void {
  using records = Fd.open(recordsName, O.RDONLY | O.NOFOLLOW, 0, frame);
  using aside = openAside(frame);
  const moves = aside === undefined ? [] : movesIn(records);
  let index = 0;
  for (const { kind, payload } of recordsOf(records)) {
    if (kind === kinds.raw) sheets.write(payload);
    else if (kind === kinds.data) {
      const [path, segments] = JSON.parse(payload.toString()) as [ByteString, [number, number][]];
      using file = openData(layer, aside, placeOf(path, index, moves));
      for (const [offset, sizeBytes] of segments) sheets.fileBytes(file, offset, sizeBytes);
    }
    index++;
  }
}

interface Move {
  /** The record that says it. */
  readonly index: number;
  readonly path: ByteString;
  readonly number: number;
}

interface Place {
  readonly path: ByteString;
  readonly isAside: boolean;
}

function openAside(frame: Fd): Fd | undefined {
  try {
    return Fd.open(asideName, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 0, frame);
  } catch (error) {
    if (isKernelError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function movesIn(records: Fd): readonly Move[] {
  const moves: Move[] = [];
  let index = 0;
  for (const { kind, payload } of recordsOf(records)) {
    if (kind === kinds.moved) {
      const [path, number] = JSON.parse(payload.toString()) as [ByteString, number];
      moves.push({ index, path, number });
    }
    index++;
  }
  return moves;
}

/** Where the file that was at `path` when record `index` was written is now: the first move after it that took it along. */
function placeOf(path: ByteString, index: number, moves: readonly Move[]): Place {
  const move = moves.find((one) => one.index > index && (path === one.path || path.startsWith(`${one.path}/`)));
  return move === undefined ? { path, isAside: false } : { path: `${move.number}${path.slice(move.path.length)}` as ByteString, isAside: true };
}

function openData(layer: Fd, aside: Fd | undefined, { path, isAside }: Place): Fd {
  try {
    return openIn(isAside ? aside! : layer, nameArgument(path), O.RDONLY | O.NOFOLLOW | O.NONBLOCK | O.NOCTTY, 'plain');
  } catch (error) {
    throw new Error(`The layer's file ${quoteName(path)} cannot be read`, { cause: error });
  }
}

interface FrameRecord {
  readonly kind: number;
  readonly payload: Buffer;
}

function* recordsOf(file: Fd): Generator<FrameRecord, void, undefined> {
  const header = Buffer.alloc(4);
  for (let at = 0; readFully(file, header, at);) {
    const compressed = Buffer.alloc(header.readUInt32LE(0));
    if (!readFully(file, compressed, at + header.length)) throw new Error('The layer\'s frame is cut off');
    at += header.length + compressed.length;
    const block = zstdDecompressSync(compressed, { maxOutputLength: blockBytesMax });
    for (let inBlock = 0; inBlock < block.length;) {
      const end = inBlock + 5 + block.readUInt32LE(inBlock + 1);
      yield { kind: block[inBlock]!, payload: block.subarray(inBlock + 5, end) };
      inBlock = end;
    }
  }
}

/** False at the end of the file. */
function readFully(file: Fd, target: Buffer, offset: number): boolean {
  for (let at = 0; at < target.length;) {
    const got = tryCall('pread64', file.number, target.subarray(at), target.length - at, offset + at);
    if (got <= 0) return false;
    at += got;
  }
  return true;
}
