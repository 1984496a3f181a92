// Manifest lists in the making: one file each, in the folder of the client's configuration, until they are pushed or removed. Docker's command line keeps its
// own in another form (and calls the commands experimental); the two do not read each other's.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, fail, parseDigest, type Digest } from '../../base/index.ts';
import { canonicalReference, type Reference } from '../../spec/reference.ts';

export interface ListPlatform {
  readonly architecture: string;
  readonly os: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly variant?: string;
}

export interface ListEntry {
  /** Canonical: where its manifest is. */
  readonly reference: string;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform: ListPlatform;
}

export interface ManifestLists {
  /** undefined: there is none of this name. */
  get(name: Reference): readonly ListEntry[] | undefined;
  put(name: Reference, entries: readonly ListEntry[]): void;
  /** @returns whether there was one */
  remove(name: Reference): boolean;
}

const platformOf = decode.object<ListPlatform>({
  architecture: decode.text, os: decode.text, 'os.version': decode.optional(decode.text), 'os.features': decode.optional(decode.list(decode.text)), variant: decode.optional(decode.text),
});
const entriesOf = decode.list(decode.object<ListEntry>({
  reference: decode.text, mediaType: decode.text, digest: decode.mapped(decode.text, (text) => parseDigest(text)), size: decode.integer, platform: platformOf,
}));

export function openManifestLists(configDir: string): ManifestLists {
  const dir = join(configDir, 'estiva', 'manifests');
  const fileOf = (name: Reference): string => join(dir, `${encodeURIComponent(canonicalReference(name))}.json`);
  return {
    get: (name) => {
      const text = readIfThere(fileOf(name));
      return text === undefined ? undefined : decode.decodeJson(text, entriesOf);
    },
    put: (name, entries) => {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const making = `${fileOf(name)}.${process.pid}`;
      writeFileSync(making, JSON.stringify(entries, undefined, '\t'), { mode: 0o600 });
      renameSync(making, fileOf(name));
    },
    remove: (name) => {
      if (readIfThere(fileOf(name)) === undefined) return false;
      rmSync(fileOf(name));
      return true;
    },
  };
}

/** @throws `not_found` in Docker's words */
export function listNamed(lists: ManifestLists, name: Reference): readonly ListEntry[] {
  const entries = lists.get(name);
  if (entries === undefined) throw fail('not_found', `No such manifest: ${canonicalReference(name)}`);
  return entries;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
