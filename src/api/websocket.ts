// WebSocket (RFC 6455), as far as attaching needs it: a two-way stream of bytes over an upgraded socket. What the client sends, in text or binary
// frames of any length, whole or in fragments, is handed on as it comes; what is written goes out in binary frames. No extensions, no subprotocols.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { fail } from '../base/index.ts';

const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const operation = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const closing = { normal: 1000, protocolError: 1002 } as const;
/** RFC 6455 §5.5: of a control frame. */
const controlBytesMax = 125;

/** The header `Sec-WebSocket-Accept` that proves to the client that we have understood. @throws `invalid` when the request does not open a WebSocket. */
export function acceptKey({ headers }: IncomingMessage): string {
  const key = headers['sec-websocket-key'];
  if (headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined) throw fail('invalid', 'not websocket protocol');
  if (headers['sec-websocket-version'] !== '13') throw fail('invalid', 'not supported WebSocket version', { hint: 'Only version 13 (RFC 6455) is spoken here' });
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) throw fail('invalid', 'Invalid Sec-WebSocket-Key', { hint: 'It is 16 bytes in base64' });
  return createHash('sha1').update(key + acceptGuid).digest('base64');
}

/** A frame that is being read: its payload comes in pieces. */
interface Frame {
  readonly operation: number;
  readonly mask: Buffer;
  readonly length: number;
  at: number;
}

export class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  /** Bytes of a head, or of a control frame, that has not come whole yet. */
  #rest: Buffer = Buffer.alloc(0);
  #frame: Frame | undefined;
  #control: Buffer[] = [];
  #hasSentClose = false;

  constructor(socket: Duplex) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#endInput());
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#hasSentClose || chunk.length === 0) return done();
    this.#socket.write(frameHead(operation.binary, chunk.length));
    this.#socket.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#sendClose(closing.normal);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#socket.destroyed) this.#socket.end(() => this.#socket.destroy());
    done(error);
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    while (bytes.length > 0 && !this.readableEnded && !this.destroyed) {
      if (this.#frame === undefined) {
        const head = readHead(bytes);
        if (head === 'short') {
          this.#rest = bytes;
          return;
        }
        if (head === 'wrong') return this.#refuse();
        this.#frame = head.frame;
        bytes = bytes.subarray(head.bytes);
      }
      bytes = this.#takePayload(this.#frame, bytes);
    }
  }

  /** Returns what comes after the frame. */
  #takePayload(frame: Frame, bytes: Buffer): Buffer {
    const piece = unmasked(frame, bytes.subarray(0, frame.length - frame.at));
    frame.at += piece.length;
    if (frame.operation >= operation.close) this.#control.push(piece);
    else if (piece.length > 0 && !this.push(piece)) this.#socket.pause();
    if (frame.at === frame.length) {
      this.#frame = undefined;
      if (frame.operation >= operation.close) this.#takeControl(frame.operation);
    }
    return bytes.subarray(piece.length);
  }

  #takeControl(kind: number): void {
    const payload = Buffer.concat(this.#control);
    this.#control = [];
    if (kind === operation.ping && !this.#hasSentClose) this.#socket.write(Buffer.concat([frameHead(operation.pong, payload.length), payload]));
    if (kind !== operation.close) return;
    this.#sendClose(payload.length >= 2 ? payload.readUInt16BE(0) : closing.normal);
    this.#endInput();
  }

  #refuse(): void {
    this.#sendClose(closing.protocolError);
    this.#endInput();
  }

  /** After the client's close nothing is read by it either: the stream is over once the end has been seen. */
  #endInput(): void {
    if (this.readableEnded || this.destroyed) return;
    this.once('end', () => setImmediate(() => this.destroy()));
    this.push(null);
  }

  #sendClose(code: number): void {
    if (this.#hasSentClose || this.#socket.writableEnded) return;
    this.#hasSentClose = true;
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#socket.write(Buffer.concat([frameHead(operation.close, payload.length), payload]));
  }
}

/** A whole message of a server: the last of its fragments, not masked. */
function frameHead(kind: number, length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | kind, length]);
  const head = Buffer.alloc(length < 0x10000 ? 4 : 10);
  head[0] = 0x80 | kind;
  head[1] = length < 0x10000 ? 126 : 127;
  if (length < 0x10000) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** RFC 6455 §5.2. What a client sends is masked; reserved bits and operations are of extensions that were not agreed on. */
function readHead(bytes: Buffer): { readonly frame: Frame; readonly bytes: number } | 'short' | 'wrong' {
  if (bytes.length < 2) return 'short';
  const [first, second] = [bytes[0]!, bytes[1]!];
  const [kind, isLast, short] = [first & 0x0f, (first & 0x80) !== 0, second & 0x7f];
  const isControl = kind >= operation.close;
  if ((first & 0x70) !== 0 || (second & 0x80) === 0 || !Object.values<number>(operation).includes(kind)) return 'wrong';
  if (isControl && (!isLast || short > controlBytesMax)) return 'wrong';
  const maskAt = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < maskAt + 4) return 'short';
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (!Number.isSafeInteger(length)) return 'wrong';
  return { frame: { operation: kind, mask: Buffer.from(bytes.subarray(maskAt, maskAt + 4)), length, at: 0 }, bytes: maskAt + 4 };
}

function unmasked({ mask, at }: Frame, bytes: Buffer): Buffer {
  const clear = Buffer.allocUnsafe(bytes.length);
  for (let index = 0; index < bytes.length; index += 1) clear[index] = bytes[index]! ^ mask[(at + index) & 3]!;
  return clear;
}
