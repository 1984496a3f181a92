// One member of a tar as a value, and the limits within which one is read.
//
// Words. The *header* is what the member is (type, path, owner …). Its *data* are the bytes stored in the archive: for a sparse file only the
// written parts, which `segments` place in the file. An *entry* is both, as the reader yields it.
import type { ByteString } from './byte-string.ts';

export type TarType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';

export interface TarHeader {
  readonly type: TarType;
  /** As the archive has it: may begin with "./" or "/", and end with "/". Never empty, never with NUL. */
  readonly path: ByteString;
  /** Of a hard link: the path of the member it names. Of a symlink: its text. Else empty. */
  readonly linkPath: ByteString;
  /** Permission bits with setuid, setgid and sticky: 0o7777 at most. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Length of the file; 0 for all other types. */
  readonly sizeBytes: number;
  /** Seconds since 1970, rounded down (may be negative), and the nanoseconds after them. */
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<ByteString, Buffer>;
}

export interface Segment {
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface TarEntry extends TarHeader {
  /** Where the data belong, ascending, without overlap; undefined for a file that is stored whole. */
  readonly segments: readonly Segment[] | undefined;
  /** The stored bytes. Read them before the next entry is asked for; what is left is skipped. */
  readonly data: () => AsyncIterable<Buffer>;
}

export interface TarLimits {
  readonly entriesMax: number;
  /** All data of all members together. */
  readonly dataBytesMax: number;
  readonly pathBytesMax: number;
  /** Components of a path. */
  readonly depthMax: number;
  /** One PAX header, one GNU long name, or one sparse map. */
  readonly extensionBytesMax: number;
}

export const tarLimits: TarLimits = {
  entriesMax: 5_000_000,
  dataBytesMax: 100 * 2 ** 30,
  pathBytesMax: 4095,
  depthMax: 1000,
  extensionBytesMax: 2 ** 20,
};

export const blockBytes = 512;
