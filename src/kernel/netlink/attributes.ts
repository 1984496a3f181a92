// Netlink's way of writing things down: attributes, each with its length and type, one in another where one belongs to another. The kernel's own numbers are
// in this machine's byte order, those that travel on wires (addresses, ports, all of nf_tables) in the network's.
// Source: netlink(7), linux/netlink.h (struct nlattr, NLA_ALIGN).

const headerBytes = 4;
const NLA_F_NESTED = 0x8000;
const typeMask = 0x3fff;

/** Bytes of an attribute, or the attributes in it. */
export type Payload = Uint8Array | readonly Attribute[];

export interface Attribute {
  readonly type: number;
  readonly payload: Payload;
}

export function attribute(type: number, payload: Payload): Attribute {
  return { type, payload };
}

/** Those of `pairs` that have a payload: `[[IFLA.MTU, mtu && u32(mtu)], …]`. */
export function attributes(...pairs: readonly (readonly [type: number, payload: Payload | undefined])[]): readonly Attribute[] {
  return pairs.flatMap(([type, payload]) => (payload === undefined ? [] : [{ type, payload }]));
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return new Uint8Array(Uint16Array.of(value).buffer);
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function be16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

export function be32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Text with its NUL. */
export function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}

export function encodeAttributes(list: readonly Attribute[]): Buffer {
  return Buffer.concat(list.map(encodeAttribute));
}

function encodeAttribute({ type, payload }: Attribute): Buffer {
  const isNested = !(payload instanceof Uint8Array);
  const bytes = isNested ? encodeAttributes(payload) : payload;
  const encoded = Buffer.alloc(align(headerBytes + bytes.length));
  encoded.writeUInt16LE(headerBytes + bytes.length, 0);
  encoded.writeUInt16LE(isNested ? type | NLA_F_NESTED : type, 2);
  encoded.set(bytes, headerBytes);
  return encoded;
}

/** Everything in netlink begins at a multiple of four. */
export function align(bytes: number): number {
  return (bytes + 3) & ~3;
}

/** The attributes of a message or of another attribute, in order. A broken length ends the list. */
export function decodeAttributes(bytes: Buffer): Attributes {
  const found: [number, Buffer][] = [];
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < headerBytes || at + length > bytes.length) break;
    found.push([bytes.readUInt16LE(at + 2) & typeMask, bytes.subarray(at + headerBytes, at + length)]);
    at += align(length);
  }
  return new Attributes(found);
}

/** What was read. An attribute that is not there gives undefined. */
export class Attributes {
  readonly #found: readonly (readonly [type: number, bytes: Buffer])[];

  constructor(found: readonly (readonly [type: number, bytes: Buffer])[]) {
    this.#found = found;
  }

  bytes(type: number): Buffer | undefined {
    return this.#found.find(([one]) => one === type)?.[1];
  }

  /** In order. */
  all(): readonly { readonly type: number; readonly bytes: Buffer }[] {
    return this.#found.map(([type, bytes]) => ({ type, bytes }));
  }

  u32(type: number): number | undefined {
    return this.bytes(type)?.readUInt32LE(0);
  }

  be32(type: number): number | undefined {
    return this.bytes(type)?.readUInt32BE(0);
  }

  text(type: number): string | undefined {
    return this.bytes(type)?.toString().replace(/\0.*$/s, '');
  }

  in(type: number): Attributes | undefined {
    const bytes = this.bytes(type);
    return bytes === undefined ? undefined : decodeAttributes(bytes);
  }

  /** A list: every attribute of that type. */
  each(type: number): readonly Attributes[] {
    return this.#found.filter(([one]) => one === type).map(([, bytes]) => decodeAttributes(bytes));
  }
}
