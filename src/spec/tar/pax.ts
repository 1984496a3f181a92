// PAX extended headers: records "<length> <key>=<value>\n", where length counts the whole record. Values are bytes (xattrs are binary).
// Source: POSIX.1-2017 pax, "pax Extended Header"; star(1) for SCHILY.xattr; GNU tar manual for GNU.sparse.
import { byteStringOf, type ByteString } from './byte-string.ts';

export type PaxRecord = readonly [key: ByteString, value: Buffer];

export const xattrPrefix = 'SCHILY.xattr.';

/** The records in order; a string says what is wrong. */
export function parsePax(bytes: Buffer): readonly PaxRecord[] | string {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    if (space < 0 || space - at > 8 || space === at) return 'a PAX record without a length';
    const lengthText = bytes.toString('latin1', at, space);
    if (!/^[1-9]\d*$/.test(lengthText)) return 'a PAX record whose length is not a number';
    const end = at + Number(lengthText);
    if (end > bytes.length || end < space + 3) return 'a PAX record whose length is wrong';
    if (bytes[end - 1] !== 0x0a) return 'a PAX record that does not end in a newline';
    const equals = bytes.indexOf(0x3d, space + 1);
    if (equals <= space + 1 || equals >= end - 1) return 'a PAX record without a key';
    const key = byteStringOf(bytes.subarray(space + 1, equals));
    if (key.includes('\0')) return 'a PAX key with a NUL byte';
    records.push([key, Buffer.from(bytes.subarray(equals + 1, end - 1))]);
    at = end;
  }
  return records;
}

export function formatPaxRecord(key: ByteString, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), value, Buffer.from('\n')]);
}
