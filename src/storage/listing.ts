// What is in a directory, read through its descriptor. Source: getdents64(2), struct linux_dirent64.
import { call, type Fd } from '../kernel/index.ts';
import { byteStringOf, type ByteString } from '../spec/tar/index.ts';

export interface Entry {
  readonly name: ByteString;
  /** As the file system says it, when it was read; 'unknown' when it does not say. */
  readonly type: 'file' | 'directory' | 'other' | 'unknown';
}

const DT_UNKNOWN = 0;
const DT_DIR = 4;
const DT_REG = 8;

/** Some of the entries of the directory `fd`, from where it stands: at least one, if any is left. */
export function entriesIn(fd: Fd): readonly Entry[] {
  const entries: Entry[] = [];
  while (entries.length === 0) {
    const length = call('getdents64', fd.number, listing, listing.length);
    if (length === 0) break;
    for (let at = 0; at < length; at += listing.readUInt16LE(at + 16)) {
      const name = byteStringOf(listing.subarray(at + 19, listing.indexOf(0, at + 19)));
      if (name !== '.' && name !== '..') entries.push({ name, type: typeOf(listing[at + 18]!) });
    }
  }
  return entries;
}

/** All entries of the directory, from its start. */
export function allEntriesIn(fd: Fd): Entry[] {
  call('lseek', fd.number, 0, 0);
  const entries: Entry[] = [];
  for (let some = entriesIn(fd); some.length > 0; some = entriesIn(fd)) entries.push(...some);
  return entries;
}

/** All names in the directory. */
export function namesIn(fd: Fd): readonly ByteString[] {
  return allEntriesIn(fd).map(({ name }) => name);
}

function typeOf(type: number): Entry['type'] {
  if (type === DT_REG) return 'file';
  if (type === DT_DIR) return 'directory';
  return type === DT_UNKNOWN ? 'unknown' : 'other';
}

/** One for all: it is read out before anybody else runs. */
const listing = Buffer.alloc(32 * 1024);
