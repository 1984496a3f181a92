// The format of the json-file log, as dockerd writes it.
import { decodeEntry } from './decode.ts';
import { encodeDetails, encodeEntries } from './encode.ts';
import type { LogFormat } from './log.ts';

/** `details` stand in every entry. */
export function jsonFormat(details: Readonly<Record<string, string>> = {}): LogFormat {
  const encoded = encodeDetails(details);
  return { encode: (raw, stream, time) => encodeEntries(raw, stream, time, encoded), decode: decodeEntry };
}
