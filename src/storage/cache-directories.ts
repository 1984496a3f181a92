// The directories that builds keep for their programs (RUN --mount=type=cache): caches/<name>/. Programs of strangers fill them, so they are opened by
// name on a held directory, never through a link.
import { call, Fd, O, openIn } from '../kernel/index.ts';
import { bytesOf } from '../spec/tar/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { namesIn } from './listing.ts';
import { measureTree } from './measure.ts';
import type { CacheTrees } from './storage.ts';
import type { Trash } from './trash.ts';

const directory = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

export class CacheDirectories implements CacheTrees, Disposable {
  readonly #path: string;
  readonly #caches: Fd;
  readonly #trash: Trash;

  constructor(rootDir: string, trash: Trash) {
    this.#path = `${rootDir}/caches`;
    this.#caches = Fd.open(this.#path, O.RDONLY | O.DIRECTORY);
    this.#trash = trash;
  }

  make(name: string): Fd {
    try {
      call('mkdirat', this.#caches.number, name, 0o755);
    } catch (error) {
      throw explainDiskFull(error, this.#path);
    }
    return this.open(name);
  }

  open(name: string): Fd {
    return openIn(this.#caches, name, directory, 'plain');
  }

  names(): readonly string[] {
    return namesIn(this.#caches).map((name) => bytesOf(name).toString('utf8'));
  }

  discard(name: string): void {
    this.#trash.discard(this.#caches, name);
  }

  async usedBytes(name: string): Promise<number> {
    using top = this.open(name);
    return await measureTree(top);
  }

  [Symbol.dispose](): void {
    this.#caches[Symbol.dispose]();
  }
}
