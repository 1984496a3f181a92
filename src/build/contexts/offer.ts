// What a client says of a context, checked: it is a stranger's word, and becomes paths in a tree of ours. Every name is one that a directory can have,
// every entry lies in a directory that was named before it, nothing is named twice.
import { fail, type decode } from '../../base/index.ts';
import { contextKinds, type ContextEntry, type ContextRow } from '../../spec/estiva/build-context.ts';
import { quoteName, tarLimits, type ByteString } from '../../spec/tar/index.ts';

const pathBytesMax = 4096;
const nameBytesMax = 255;
const sizeBytesMax = 2 ** 43;

/** @throws `invalid` naming the first entry that cannot be, `too_large` */
export function checkOffer(rows: readonly ContextRow[]): readonly ContextEntry[] {
  if (rows.length > tarLimits.entriesMax) throw fail('too_large', `The context has more than ${tarLimits.entriesMax} entries`, { hint: 'Name in .dockerignore what the build does not need' });
  const kinds = new Map<string, string>([['', 'directory']]);
  return rows.map((row) => {
    const entry = entryOf(row);
    const { path } = entry;
    const wrong = wrongWith(path) ?? (kinds.has(path) ? 'it comes twice' : kinds.get(parentOf(path)) === 'directory' ? wrongFor(entry) : 'it lies in no directory of the context');
    if (wrong !== undefined) throw fail('invalid', `The context cannot have ${quoteName(path.slice(0, 200) as ByteString)}: ${wrong}`);
    kinds.set(path, entry.kind);
    return entry;
  });
}

/** Of what is at the top: empty. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function entryOf([path, kind, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, stamp, settled, link, major, minor]: ContextRow): ContextEntry {
  return { path: path as ByteString, kind: contextKinds[kind]!, mode, sizeBytes, mtimeSeconds, mtimeNanoseconds, stamp, isSettled: settled === 1, link: link as ByteString, device: { major, minor } };
}

// eslint-disable-next-line no-control-regex -- bytes, and no NUL among them
const byteText = /^[\x01-\xff]*$/;

function wrongWith(path: string): string | undefined {
  if (!byteText.test(path)) return 'its name is not bytes without NUL';
  if (path.length > pathBytesMax) return 'its path is too long';
  const parts = path.split('/');
  if (parts.length > tarLimits.depthMax) return `it is more than ${tarLimits.depthMax} directories deep`;
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'its path is not one from the context down';
  return parts.some((part) => part.length > nameBytesMax) ? 'its name is too long' : undefined;
}

function wrongFor({ kind, sizeBytes, link }: ContextEntry): string | undefined {
  if (kind !== 'file' && sizeBytes !== 0) return 'only files have a length';
  if (kind === 'symlink') return link === '' || link.length > pathBytesMax || !byteText.test(link) ? 'its target is no path' : undefined;
  return link === '' ? undefined : 'only links have a target';
}

/** The least and the most of each value of a row; undefined: a text. */
const ranges: readonly (readonly [min: number, max: number] | undefined)[] = [
  undefined, [0, contextKinds.length - 1], [0, 0o7777], [0, sizeBytesMax], [-(2 ** 40), 2 ** 40], [0, 999_999_999], undefined, [0, 1], undefined, [0, 0xfff], [0, 0xfffff],
];

/** One row, as it travels and as it is kept: there may be a hundred thousand. @throws `invalid` */
export const decodeRow: decode.Decode<ContextRow> = (value, path) => {
  const fits = (cell: unknown, range: readonly [number, number] | undefined): boolean => (range === undefined ? typeof cell === 'string' : Number.isSafeInteger(cell) && (cell as number) >= range[0] && (cell as number) <= range[1]);
  if (!Array.isArray(value) || value.length !== ranges.length || !ranges.every((range, i) => fits(value[i], range))) throw fail('invalid', `${path}: expected ${ranges.length} values, texts and whole numbers, as a row of a context has them`);
  return value as unknown as ContextRow;
};
