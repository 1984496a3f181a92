// Names that mean something else in a layer than they say.
import { fail } from '../../base/index.ts';
import { quoteName, type ByteString } from '../../spec/tar/index.ts';

/** @throws for a path that would remove files of the layers below */
export function refuseWhiteout(path: ByteString): void {
  if (path.split('/').some((part) => part.startsWith('.wh.'))) throw fail('unsupported', `Cannot put ${quoteName(path)} into a layer: names that begin with .wh. stand for removed files there`, { hint: 'Rename it, or leave it out with .dockerignore' });
}
