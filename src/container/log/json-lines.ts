// The quick way from lines of text to json-file entries: WebAssembly that looks at 16 bytes at a time (json-lines.wat is its source; a test compares).
// It reads from and writes to memory of its own, which is the log's working memory: what it returns is valid until the next call.
import { isAscii, isUtf8 } from 'node:buffer';
import type { StreamName } from '../container.ts';
import { entryEnd, entryStart } from './encode.ts';

/** The part of the web's API that is used here; its types come with a browser's only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

export const moduleBase64 = 'AGFzbQEAAAABCgFgBX9/f39/AX8DAgEABQQBAKABBxMCBm1lbW9yeQIABmVuY29kZQAACswCAckCAgF7BH8CQANAIAAgAU8NASAA/QAEACEFIAIgBf0LBABBgIAEIAVBIP0P/SYgBUHcAP0P/SP9UCAFQfsB/Q/9TkEi/Q/9IyAFQf0B/Q/9TkE8/Q/9I/1Q/VD9ZHJoIQYgBiABIABrSwRAIAEgAGshBgsgACAGaiEAIAIgBmohAiAGQRBGDQAgACABTw0BIAAtAAAhByAAQQFqIQAgB0EKRgRAQQAhCANAIAIgCGogAyAIav0ABAD9CwQAIAhBEGohCCAIIARJDQALIAIgBGohAgwBCyACQdwAOgAAIAdBDUYgB0EiRiAHQdwARnJyBEAgAkHyACAHIAdBDUYbOgABIAJBAmohAgwBCyACQdzqwYEDNgIAIAJBMCAHQQR2ajoABCAHQQ9xIQkgAiAJQdcAQTAgCUEJSxtqOgAFIAJBBmohAgwACwsgAgs=';

/** How far the module reads and writes beyond what it is given. */
const slackBytes = 16;
const separatorAt = 0;
const separatorBytesMax = 4096;
const inputAt = separatorBytesMax + slackBytes;
const inputBytesMax = 128 * 1024;
const outputAt = inputAt + inputBytesMax + slackBytes;
/** `\u00xx` */
const escapeBytesMax = 6;

interface Encoder {
  readonly memory: Buffer;
  readonly encode: (source: number, end: number, target: number, separator: number, separatorBytes: number) => number;
}

let encoder: Encoder | undefined;

/** Entries for `raw`, whole lines or one piece of a line without its newline; undefined when it holds what the quick way does not know: bytes that are not UTF-8, or too much. */
export function encodeLines(raw: Uint8Array, stream: StreamName, time: string, details: string): Uint8Array | undefined {
  const { memory, encode } = encoder ??= instantiate();
  const end = entryEnd(stream, time, details);
  const separatorBytes = memory.write(`\\n${end}${entryStart}`, separatorAt, separatorBytesMax, 'latin1');
  const mostBytes = raw.length * Math.max(escapeBytesMax, separatorBytes) + separatorBytes + slackBytes;
  if (separatorBytes === separatorBytesMax || raw.length > inputBytesMax || outputAt + mostBytes > memory.length || !isPlainText(raw)) return undefined;
  memory.set(raw, inputAt);
  const start = outputAt + memory.write(entryStart, outputAt, 'latin1');
  const length = encode(inputAt, inputAt + raw.length, start, separatorAt, separatorBytes) - outputAt;
  // The last separator has begun one entry too many; a piece without newline has none at its end.
  if (raw.at(-1) === newline) return memory.subarray(outputAt, outputAt + length - entryStart.length);
  return memory.subarray(outputAt, outputAt + length + memory.write(end, outputAt + length, 'latin1'));
}

const newline = 10;
/** U+2028 and U+2029 are escaped; both begin like this. */
const lineSeparators = Buffer.from([0xe2, 0x80]);

function isPlainText(raw: Uint8Array): boolean {
  return isAscii(raw) || (isUtf8(raw) && Buffer.from(raw.buffer, raw.byteOffset, raw.length).indexOf(lineSeparators) < 0);
}

function instantiate(): Encoder {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(moduleBase64, 'base64')));
  const { memory, encode } = exports as { memory: { readonly buffer: ArrayBuffer }; encode: Encoder['encode'] };
  return { memory: Buffer.from(memory.buffer), encode };
}
