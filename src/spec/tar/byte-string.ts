// Names in a tar, and in Linux, are bytes: any but NUL (and "/" in one component). Most are UTF-8, none has to be. A ByteString holds them in a
// JavaScript string, one character a byte, so that they can be split, compared and used as keys without losing anything.
import type { Brand } from '../../base/index.ts';

export type ByteString = Brand<string, 'ByteString'>;

/** The bytes of `text` in UTF-8. */
export function byteString(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1') as ByteString;
}

export function byteStringOf(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as ByteString;
}

export function bytesOf(name: ByteString): Buffer {
  return Buffer.from(name, 'latin1');
}

/** For error messages: quoted, read as UTF-8, bounded, control characters escaped. */
export function quoteName(name: ByteString): string {
  const text = Buffer.from(name.slice(0, 400), 'latin1').toString('utf8');
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
