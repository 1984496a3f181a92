// Messages as clients and servers write them, by hand: the tests' own hand, so that a mistake in message.ts is not made twice.
import { randomInt } from 'node:crypto';

export const A = 1;
export const PTR = 12;
export const TXT = 16;
export const AAAA = 28;

export function name(text: string): Buffer {
  return Buffer.concat([...text.split('.').filter((label) => label !== '').flatMap((label) => [Buffer.of(label.length), Buffer.from(label, 'latin1')]), Buffer.of(0)]);
}

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);

export interface Wish {
  readonly id?: number;
  readonly flags?: number;
  readonly type?: number;
  readonly class?: number;
  /** What EDNS says of the size of datagrams; absent: no EDNS. */
  readonly edns?: number;
  readonly ednsVersion?: number;
}

export function question(text: string, { id = randomInt(0x10000), flags = 0x0100, type = A, class: klass = 1, edns, ednsVersion = 0 }: Wish = {}): Buffer {
  const opt = edns === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0), u16(41), u16(edns), Buffer.of(0, ednsVersion, 0, 0), u16(0)]);
  return Buffer.concat([u16(id), u16(flags), u16(1), u16(0), u16(0), u16(edns === undefined ? 0 : 1), name(text), u16(type), u16(klass), opt]);
}

export interface Entry {
  readonly type: number;
  readonly ttl: number;
  readonly data: Buffer;
}

/** A server's answer to the bytes of `asked`, with what a forger may get wrong. */
export function reply(asked: Buffer, { answers = [], authority = [], rcode = 0, flags = 0x8180, id = asked.readUInt16BE(0), asks }: {
  readonly answers?: readonly Entry[]; readonly authority?: readonly Entry[]; readonly rcode?: number; readonly flags?: number; readonly id?: number; readonly asks?: Buffer;
} = {}): Buffer {
  const entry = ({ type, ttl, data }: Entry): Buffer => Buffer.concat([u16(0xc00c), u16(type), u16(1), u32(ttl), u16(data.length), data]);
  return Buffer.concat([u16(id), u16(flags | rcode), u16(1), u16(answers.length), u16(authority.length), u16(0), asks ?? questionIn(asked), ...answers.map(entry), ...authority.map(entry)]);
}

/** Name, type and class. */
export function questionIn(message: Buffer): Buffer {
  let at = 12;
  while (message[at] !== 0) at += message[at]! + 1;
  return message.subarray(12, at + 5);
}

export function nameIn(message: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; message[at] !== 0; at += message[at]! + 1) labels.push(message.toString('latin1', at + 1, at + 1 + message[at]!));
  return labels.join('.');
}

export function soa(minimum: number): Buffer {
  return Buffer.concat([name('ns.test'), name('root.test'), u32(1), u32(2), u32(3), u32(4), u32(minimum)]);
}

export interface Read {
  readonly id: number;
  readonly rcode: number;
  readonly truncated: boolean;
  readonly name: string;
  readonly answers: readonly Entry[];
  readonly additional: number;
}

/** An answer whose records' names are all pointers. */
export function read(message: Buffer): Read {
  const answers: Entry[] = [];
  const hasQuestion = message.readUInt16BE(4) === 1;
  let at = 12 + (hasQuestion ? questionIn(message).length : 0);
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    if (message.readUInt16BE(at) !== 0xc00c) throw new Error('An answer of another name');
    const length = message.readUInt16BE(at + 10);
    answers.push({ type: message.readUInt16BE(at + 2), ttl: message.readUInt32BE(at + 6), data: message.subarray(at + 12, at + 12 + length) });
    at += 12 + length;
  }
  return { id: message.readUInt16BE(0), rcode: message[3]! & 0xf, truncated: (message[2]! & 2) !== 0, name: hasQuestion ? nameIn(message) : '', answers, additional: message.readUInt16BE(10) };
}
