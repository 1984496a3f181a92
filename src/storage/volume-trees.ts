// The directories of volumes: volumes/<name>/_data, in the places that Docker gives them. A directory is made under tmp/ and moved to its name in one
// step, and leaves it for tmp/ in one step: whatever is below volumes/ is whole.
import { randomUUID } from 'node:crypto';
import { call, Fd, O, openIn, S, statIn, tryOpenIn } from '../kernel/index.ts';
import { byteString, type ByteString } from '../spec/tar/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { namesIn } from './listing.ts';
import { measureTree } from './measure.ts';
import { nameArgument } from './names.ts';
import type { TakenOut, VolumeTrees } from './storage.ts';
import type { Trash } from './trash.ts';

const dataName = '_data';

export class VolumeDirectories implements VolumeTrees, Disposable {
  readonly #path: string;
  readonly #volumes: Fd;
  readonly #tmp: Fd;
  readonly #trash: Trash;

  constructor(rootDir: string, trash: Trash) {
    this.#path = `${rootDir}/volumes`;
    this.#trash = trash;
    using opened = new DisposableStack();
    this.#volumes = opened.use(Fd.open(this.#path, O.RDONLY | O.DIRECTORY));
    this.#tmp = opened.use(Fd.open(`${rootDir}/tmp`, O.RDONLY | O.DIRECTORY));
    opened.move();
  }

  pathOf(name: string): string {
    return `${this.#path}/${name}/${dataName}`;
  }

  make(name: string): void {
    const tmpName = `volume-${randomUUID()}`;
    try {
      call('mkdirat', this.#tmp.number, tmpName, 0o701);
      using dir = openIn(this.#tmp, tmpName, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain');
      call('mkdirat', dir.number, dataName, 0o755);
      call('renameat2', this.#tmp.number, tmpName, this.#volumes.number, name, 0);
    } catch (error) {
      this.#trash.discard(this.#tmp, tmpName);
      throw explainDiskFull(error, this.#path);
    }
  }

  openData(name: string): Fd {
    return openIn(this.#volumes, `${name}/${dataName}`, O.RDONLY | O.DIRECTORY, 'plain');
  }

  takeOut(name: string): TakenOut {
    const out = `gone-${randomUUID()}`;
    call('renameat2', this.#volumes.number, name, this.#tmp.number, out, 0);
    let isOpen = true;
    return {
      discard: () => {
        isOpen = false;
        this.#trash.take(byteString(out));
      },
      [Symbol.dispose]: () => {
        if (isOpen) call('renameat2', this.#tmp.number, out, this.#volumes.number, name, 0);
      },
    };
  }

  names(): readonly string[] {
    const isDirectory = (name: ByteString): boolean => ((statIn(this.#volumes, nameArgument(name))?.mode ?? 0) & S.IFMT) === S.IFDIR;
    return namesIn(this.#volumes).filter(isDirectory);
  }

  isEmpty(name: string): boolean {
    using dir = openIn(this.#volumes, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain');
    if (namesIn(dir).some((other) => other !== dataName)) return false;
    const data = tryOpenIn(dir, dataName, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, 'plain');
    if (data < 0) return true;
    using opened = new Fd(data);
    return namesIn(opened).length === 0;
  }

  async usedBytes(name: string): Promise<number> {
    using data = this.openData(name);
    return await measureTree(data);
  }

  [Symbol.dispose](): void {
    this.#volumes[Symbol.dispose]();
    this.#tmp[Symbol.dispose]();
  }
}
