// The slow way from text to entries: as strings, piece by piece. Strings that stay small are young garbage, which costs nothing, and stay in the
// processor's cache.

const newline = 10;
const pieceBytesMin = 256;
const pieceBytesMax = 64 * 1024;
const textBytesAim = 64 * 1024;
const outputStepBytes = 256 * 1024;

/** Working memory for all logs of this process: used within one call, never across two. */
let output = Buffer.alloc(0);
/** Short lines grow more: so many raw bytes made about `textBytesAim` of entries the last time. */
let pieceBytes = 1024;

/** What `encode` makes, as latin1, of the pieces of `raw`, each of them whole lines or all there is. Valid until the next call. */
export function encodeInPieces(raw: Buffer, encode: (piece: Buffer) => string): Uint8Array {
  let length = 0;
  for (let start = 0; start < raw.length;) {
    const end = pieceEnd(raw, start);
    const text = encode(raw.subarray(start, end));
    length += put(text, length);
    pieceBytes = Math.min(pieceBytesMax, Math.max(pieceBytesMin, Math.floor((textBytesAim * (end - start)) / text.length)));
    start = end;
  }
  return output.subarray(0, length);
}

function pieceEnd(raw: Buffer, start: number): number {
  if (raw.length - start <= pieceBytes) return raw.length;
  const before = raw.subarray(start, start + pieceBytes).lastIndexOf(newline);
  if (before >= 0) return start + before + 1;
  const after = raw.indexOf(newline, start);
  return after < 0 ? raw.length : after + 1;
}

function put(text: string, at: number): number {
  if (output.length < at + text.length) {
    const larger = Buffer.allocUnsafeSlow(Math.ceil((at + text.length) / outputStepBytes) * outputStepBytes);
    output.copy(larger, 0, 0, at);
    output = larger;
  }
  return output.write(text, at, 'latin1');
}
