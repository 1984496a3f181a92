// Messages in a stream: each with its length before it. Source: RFC 1035 §4.2.2, RFC 7766.

const lengthBytes = 2;

export function frame(message: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(message.length >> 8, message.length), message]);
}

/** Collects pieces of a stream. What it holds is one message at most. */
export class Frames {
  readonly #bytesMax: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** One that is being collected will be longer than allowed: nothing good comes out of this stream any more. */
  get isTooLong(): boolean {
    return this.#rest.length >= lengthBytes && this.#rest.readUInt16BE(0) > this.#bytesMax;
  }

  /** Those that are whole now. */
  add(bytes: Uint8Array): readonly Buffer[] {
    let rest = Buffer.concat([this.#rest, bytes]);
    const messages: Buffer[] = [];
    for (; rest.length >= lengthBytes && rest.length >= lengthBytes + rest.readUInt16BE(0); rest = rest.subarray(lengthBytes + rest.readUInt16BE(0))) {
      messages.push(rest.subarray(lengthBytes, lengthBytes + rest.readUInt16BE(0)));
    }
    this.#rest = rest;
    return messages;
  }
}
