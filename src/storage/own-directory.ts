// Directories that must be ours alone: what we find in them we believe, and where we write in them nobody may have put a link.
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { fail } from '../base/index.ts';

const writableByOthers = 0o022;

/** Makes `path` and its parents when they are missing. A link to it may be ours too. @throws `denied` for one that is somebody else's, or open to others' writing. */
export function makeOwnDirectory(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode });
  const found = statSync(path);
  const stranger = [lstatSync(path).uid, found.uid].find((uid) => uid !== process.geteuid?.());
  const hint = 'Choose another directory, or remove it and let it be made';
  if (stranger !== undefined) throw fail('denied', `Cannot use ${JSON.stringify(path)}: it belongs to user ${stranger}`, { hint });
  if ((found.mode & writableByOthers) !== 0) throw fail('denied', `Cannot use ${JSON.stringify(path)}: other users can write to it (mode ${(found.mode & 0o7777).toString(8)})`, { hint: `chmod go-w ${path}` });
}
