// The few things of DNS messages that a resolver must understand to answer for names of its own and to hand on the rest: the header, one question, EDNS, and where
// records begin and end. What the records of others say is never decoded: it travels on as the bytes that came (decision 14).
// Source: RFC 1035 §4 (messages, compression), RFC 6891 (EDNS), RFC 2308 §5 (how long "there is none" may be kept), RFC 4343 (case).

export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 } as const;
export const CLASS_IN = 1;
export const RCODE = { ok: 0, malformed: 1, serverFailure: 2, noSuchName: 3, notImplemented: 4, refused: 5, badVersion: 16 } as const;
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

const FLAG = { response: 0x8000, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080, checkingDisabled: 0x0010 } as const;
const opcodeMask = 0x7800;
const EDNS_DNSSEC_OK = 0x8000;
export const headerBytes = 12;
const recordHeadBytes = 10;
const optBytes = 11;
const nameBytesMax = 255;
const labelBytesMax = 63;
const POINTER = 0xc0;
/** A name that begins where the question's does. */
const toQuestionName = 0xc00c;
/** A longest name and EDNS with all its options are less. */
export const queryBytesMax = 4096;
/** Without EDNS no datagram may be longer. */
export const datagramBytesMin = 512;
/** What goes through every network in one piece (dnsflagday.net/2020). */
export const datagramBytes = 1232;

export interface Query {
  readonly id: number;
  /** Small letters, labels joined by dots, none at the end; a dot or backslash inside of a label is escaped by a backslash. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question as it was asked, letters as they were. */
  readonly question: Buffer;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  readonly edns: { readonly datagramBytes: number; readonly dnssecOk: boolean } | undefined;
}

/** A query that gets an error for an answer, without anything being looked up. */
export interface Refusal {
  readonly refuse: Rcode;
  readonly id: number;
  readonly opcodeBits: number;
}

/** Never throws, whatever came. Undefined: not even an error may be answered (it is no query, or not as much as a header). */
export function decodeQuery(bytes: Buffer): Query | Refusal | undefined {
  if (bytes.length < headerBytes) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (flags & FLAG.response) return undefined;
  const id = bytes.readUInt16BE(0);
  const refuse = (rcode: Rcode): Refusal => ({ refuse: rcode, id, opcodeBits: flags & (opcodeMask | FLAG.recursionDesired) });
  if (flags & opcodeMask) return refuse(RCODE.notImplemented);
  // One question, no answers, in a few hundred bytes: nobody asks otherwise.
  if (bytes.length > queryBytesMax || bytes.readUInt16BE(4) !== 1 || bytes.readUInt16BE(6) !== 0 || bytes.readUInt16BE(8) !== 0) return refuse(RCODE.malformed);
  const found = readName(bytes, headerBytes);
  if (found === undefined || found.end + 4 > bytes.length) return refuse(RCODE.malformed);
  const edns = findEdns(bytes, found.end + 4);
  if (edns === 'malformed') return refuse(RCODE.malformed);
  if (edns === 'newer') return refuse(RCODE.badVersion);
  return {
    id, name: found.name, type: bytes.readUInt16BE(found.end), class: bytes.readUInt16BE(found.end + 2), question: bytes.subarray(headerBytes, found.end + 4),
    recursionDesired: (flags & FLAG.recursionDesired) !== 0, checkingDisabled: (flags & FLAG.checkingDisabled) !== 0, edns,
  };
}

/** An uncompressed name, as the first one of a message must be. */
function readName(bytes: Buffer, from: number): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  for (let at = from; ;) {
    const length = bytes[at];
    if (length === undefined || length > labelBytesMax || at + 1 + length > bytes.length || at + 1 + length - from > nameBytesMax) return undefined;
    if (length === 0) return { name: labels.join('.'), end: at + 1 };
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length).replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replace(/[.\\]/g, String.raw`\$&`));
    at += 1 + length;
  }
}

/** Behind the name at `from`, which may end in a pointer. Pointers are not followed: a loop of them is nothing to us. */
function skipName(bytes: Buffer, from: number): number | undefined {
  for (let at = from; at < bytes.length;) {
    const length = bytes[at]!;
    if (length === 0) return at + 1;
    if ((length & POINTER) === POINTER) return at + 2;
    if (length > labelBytesMax) return undefined;
    at += 1 + length;
  }
  return undefined;
}

interface RecordPlace {
  readonly type: number;
  /** Of its class; the time to live follows, then the length of the data. */
  readonly classAt: number;
  readonly dataAt: number;
  readonly end: number;
}

function readRecord(bytes: Buffer, from: number): RecordPlace | undefined {
  const nameEnd = skipName(bytes, from);
  if (nameEnd === undefined || nameEnd + recordHeadBytes > bytes.length) return undefined;
  const dataAt = nameEnd + recordHeadBytes;
  const end = dataAt + bytes.readUInt16BE(nameEnd + 8);
  return end > bytes.length ? undefined : { type: bytes.readUInt16BE(nameEnd), classAt: nameEnd + 2, dataAt, end };
}

/** EDNS's record among the additional ones of a query. */
function findEdns(bytes: Buffer, from: number): Query['edns'] | 'malformed' | 'newer' {
  let found: RecordPlace | undefined;
  for (let left = bytes.readUInt16BE(10), at = from; left > 0; left--) {
    const record = readRecord(bytes, at);
    if (record === undefined || (record.type === TYPE.OPT && found !== undefined)) return 'malformed';
    if (record.type === TYPE.OPT) found = record;
    at = record.end;
  }
  if (found === undefined) return undefined;
  const { classAt } = found;
  if (bytes[classAt + 3] !== 0) return 'newer';
  return { datagramBytes: Math.max(bytes.readUInt16BE(classAt), datagramBytesMin), dnssecOk: (bytes.readUInt16BE(classAt + 4) & EDNS_DNSSEC_OK) !== 0 };
}

/** What we say of the size of datagrams, and of an error that has no room in the header. */
function encodeEdns(rcode: number, dnssecOk: boolean): Buffer {
  const record = Buffer.alloc(optBytes);
  record.writeUInt16BE(TYPE.OPT, 1);
  record.writeUInt16BE(datagramBytes, 3);
  record[5] = rcode >> 4;
  record.writeUInt16BE(dnssecOk ? EDNS_DNSSEC_OK : 0, 7);
  return record;
}

function encodeHeader(id: number, flags: number, counts: readonly [questions: number, answers: number, authority: number, additional: number]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags, 2);
  counts.forEach((count, i) => header.writeUInt16BE(count, 4 + 2 * i));
  return header;
}

export function encodeRefusal({ id, opcodeBits, refuse }: Refusal): Buffer {
  const header = encodeHeader(id, FLAG.response | FLAG.recursionAvailable | opcodeBits | (refuse & 0xf), [0, 0, 0, refuse > 0xf ? 1 : 0]);
  return refuse > 0xf ? Buffer.concat([header, encodeEdns(refuse, false)]) : header;
}

export interface OwnRecord {
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

/** An answer of our own. Every record is of the name that was asked for. */
export function encodeAnswer(query: Query, rcode: Rcode, records: readonly OwnRecord[] = []): Buffer {
  const flags = FLAG.response | FLAG.recursionAvailable | (query.recursionDesired ? FLAG.recursionDesired : 0) | (query.checkingDisabled ? FLAG.checkingDisabled : 0) | rcode;
  const header = encodeHeader(query.id, flags, [1, records.length, 0, query.edns === undefined ? 0 : 1]);
  return Buffer.concat([header, query.question, ...records.map(encodeRecord), ...query.edns === undefined ? [] : [encodeEdns(0, query.edns.dnssecOk)]]);
}

function encodeRecord({ type, ttlSeconds, data }: OwnRecord): Buffer {
  const record = Buffer.alloc(2 + recordHeadBytes + data.length);
  record.writeUInt16BE(toQuestionName, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(ttlSeconds, 6);
  record.writeUInt16BE(data.length, 10);
  record.set(data, 2 + recordHeadBytes);
  return record;
}

/** A name as records have it; undefined for one that DNS cannot say. */
export function encodeName(name: string): Buffer | undefined {
  const labels = name.split('.').map((label) => Buffer.from(label));
  if (labels.some(({ length }) => length === 0 || length > labelBytesMax)) return undefined;
  const encoded = Buffer.concat([...labels.flatMap((label) => [Uint8Array.of(label.length), label]), Uint8Array.of(0)]);
  return encoded.length > nameBytesMax ? undefined : encoded;
}

/** The same question with another id, for a server. Nothing else of what came goes there. */
export function encodeQuestion(query: Query, id: number): Buffer {
  const flags = FLAG.recursionDesired | (query.checkingDisabled ? FLAG.checkingDisabled : 0);
  const header = encodeHeader(id, flags, [1, 0, 0, query.edns === undefined ? 0 : 1]);
  return Buffer.concat([header, query.question, ...query.edns === undefined ? [] : [encodeEdns(0, query.edns.dnssecOk)]]);
}

/** A server's answer. */
export interface Answer {
  readonly bytes: Buffer;
  readonly rcode: number;
  readonly isTruncated: boolean;
  /** Where each record's time to live stands, EDNS's left out. */
  readonly ttlsAt: readonly number[];
  /** For how long others may be told the same. 0: not at all. */
  readonly ttlSeconds: number;
}

/** Undefined: not an answer to this question under this id, or one that cannot be read. Never throws. */
export function decodeAnswer(bytes: Buffer, id: number, query: Query): Answer | undefined {
  const questionEnd = headerBytes + query.question.length;
  if (bytes.length < questionEnd || bytes.readUInt16BE(0) !== id) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (!(flags & FLAG.response) || flags & opcodeMask || bytes.readUInt16BE(4) !== 1) return undefined;
  if (!isSameQuestion(bytes.subarray(headerBytes, questionEnd), query.question)) return undefined;
  const isTruncated = (flags & FLAG.truncated) !== 0;
  const records = readRecords(bytes, questionEnd);
  const rcode = flags & 0xf;
  // Some servers cut in the middle of a record. What can be trusted then is that it was cut.
  if (records === undefined) return isTruncated ? { bytes: withoutRecords(bytes, questionEnd), rcode, isTruncated, ttlsAt: [], ttlSeconds: 0 } : undefined;
  const others = records.filter(({ type }) => type !== TYPE.OPT);
  return { bytes, rcode, isTruncated, ttlsAt: others.map(({ classAt }) => classAt + 2), ttlSeconds: isTruncated ? 0 : ttlOf(bytes, rcode, others) };
}

function isSameQuestion(one: Buffer, other: Buffer): boolean {
  const [a, b] = [readName(one, 0), readName(other, 0)];
  return a !== undefined && b !== undefined && a.name === b.name && one.subarray(a.end).equals(other.subarray(b.end));
}

function readRecords(bytes: Buffer, from: number): readonly RecordPlace[] | undefined {
  const records: RecordPlace[] = [];
  for (let left = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10), at = from; left > 0; left--) {
    const record = readRecord(bytes, at);
    if (record === undefined) return undefined;
    records.push(record);
    at = record.end;
  }
  return records;
}

/** The shortest of all times. "There is none" is kept as the zone's own record says, and not without one. */
function ttlOf(bytes: Buffer, rcode: number, records: readonly RecordPlace[]): number {
  if (rcode !== RCODE.ok && rcode !== RCODE.noSuchName) return 0;
  const times = records.map(({ classAt }) => bytes.readUInt32BE(classAt + 2));
  const isThere = rcode === RCODE.ok && bytes.readUInt16BE(6) > 0;
  const zone = records.find(({ type, dataAt, end }) => type === TYPE.SOA && end - dataAt >= 4);
  if (!isThere && zone === undefined) return 0;
  // Source: RFC 2308 §5: the last number of SOA is the most for negative answers. A time with its highest bit set is 0 (RFC 2181 §8).
  const shortest = Math.min(...times, ...isThere || zone === undefined ? [] : [bytes.readUInt32BE(zone.end - 4)]);
  return shortest > 0x7fffffff ? 0 : shortest;
}

function withoutRecords(bytes: Buffer, questionEnd: number): Buffer {
  const cut = Buffer.from(bytes.subarray(0, questionEnd));
  cut.fill(0, 6, headerBytes);
  return cut;
}

/** A server's answer for whoever asks the same: its own id and spelling, and times that are `ageSeconds` shorter. */
export function answerTo(query: Query, { bytes, ttlsAt }: Answer, ageSeconds = 0): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(query.id, 0);
  const flags = copy.readUInt16BE(2) & ~FLAG.recursionDesired;
  copy.writeUInt16BE(flags | FLAG.recursionAvailable | (query.recursionDesired ? FLAG.recursionDesired : 0), 2);
  copy.set(query.question, headerBytes);
  for (const at of ttlsAt) copy.writeUInt32BE(Math.max(0, copy.readUInt32BE(at) - ageSeconds), at);
  return copy;
}

/** What of the answer goes into `bytesMax`: as many whole records as fit, and the word that it was cut. */
export function cutTo(bytesMax: number, answer: Buffer, query: Query): Buffer {
  if (answer.length <= bytesMax) return answer;
  const edns = query.edns === undefined ? Buffer.alloc(0) : encodeEdns(0, query.edns.dnssecOk);
  let end = headerBytes + query.question.length;
  let answers = 0;
  for (const limit = bytesMax - edns.length; answers < answer.readUInt16BE(6); answers++) {
    const record = readRecord(answer, end);
    if (record === undefined || record.end > limit) break;
    end = record.end;
  }
  const header = encodeHeader(query.id, answer.readUInt16BE(2) | FLAG.truncated, [1, answers, 0, query.edns === undefined ? 0 : 1]);
  return Buffer.concat([header, answer.subarray(headerBytes, end), edns]);
}
