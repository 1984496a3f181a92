// The format of the json-file log, as dockerd writes it.
import { decodeEntry } from './decode.ts';
import { encodeDetails, encodeEntries } from './encode.ts';
import { encodeLines } from './json-lines.ts';
import type { LogFormat } from './log.ts';
import { encodeInPieces } from './pieces.ts';

/** `details` stand in every entry. */
export function jsonFormat(details: Readonly<Record<string, string>> = {}): LogFormat {
  const encoded = encodeDetails(details);
  return {
    encode: (raw, stream, time) => encodeLines(raw, stream, time, encoded) ?? encodeInPieces(raw, (piece) => encodeEntries(piece, stream, time, encoded)),
    decode: decodeEntry,
  };
}
