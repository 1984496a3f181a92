// The directories of volumes: volumes/<name>/_data, in the places that Docker gives them, and beside that volumes/<name>/snapshots/. A directory is made under tmp/ and moved to its name in one
// step, and leaves it for tmp/ in one step: whatever is below volumes/ is whole.
import { randomUUID } from 'node:crypto';
import { fail } from '../base/index.ts';
import { call, Fd, KernelError, O, openIn, RENAME, S, statFd, statIn, tryCall, tryOpenIn } from '../kernel/index.ts';
import { byteString, quoteName, type ByteString } from '../spec/tar/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { namesIn } from './listing.ts';
import { measureTree } from './measure.ts';
import { nameArgument } from './names.ts';
import type { TakenOut, VolumeDraft, VolumeTrees } from './storage.ts';
import type { Trash } from './trash.ts';

const EEXIST = -17;
const dataName = '_data';
const snapshotsName = 'snapshots';
const directory = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

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

  draft(): VolumeDraft {
    const tmpName = `volume-${randomUUID()}`;
    try {
      return new Draft(this.#volumes, this.#tmp, tmpName, this.#trash);
    } catch (error) {
      this.#trash.discard(this.#tmp, tmpName);
      throw explainDiskFull(error, this.#path);
    }
  }

  openData(name: string): Fd {
    return openIn(this.#volumes, `${name}/${dataName}`, directory, 'plain');
  }

  isMounted(name: string): boolean {
    const number = tryOpenIn(this.#volumes, `${name}/${dataName}`, O.PATH | O.DIRECTORY | O.NOFOLLOW, 'plain');
    if (number < 0) return false;
    using data = new Fd(number);
    return statFd(data).mountId !== statFd(this.#volumes).mountId;
  }

  takeOut(name: string): TakenOut {
    if (this.isMounted(name)) throw fail('conflict', `Cannot remove volume ${name}: something is mounted upon ${JSON.stringify(this.pathOf(name))}, and would be emptied with it`, { hint: 'Unmount it first' });
    return this.#takeOut(name);
  }

  takeOutSnapshot(name: string, snapshot: string): TakenOut {
    return this.#takeOut(`${name}/${snapshotsName}/${snapshot}`);
  }

  /** `path`: below volumes/. */
  #takeOut(path: string): TakenOut {
    const out = `gone-${randomUUID()}`;
    call('renameat2', this.#volumes.number, path, this.#tmp.number, out, 0);
    let isOpen = true;
    return {
      discard: () => {
        isOpen = false;
        this.#trash.take(byteString(out));
      },
      [Symbol.dispose]: () => {
        if (isOpen) call('renameat2', this.#tmp.number, out, this.#volumes.number, path, 0);
      },
    };
  }

  openSnapshot(name: string, snapshot: string): Fd {
    return openIn(this.#volumes, `${name}/${snapshotsName}/${snapshot}`, directory, 'plain');
  }

  snapshotNames(name: string): readonly string[] {
    const number = tryOpenIn(this.#volumes, `${name}/${snapshotsName}`, directory, 'plain');
    if (number < 0) return [];
    using snapshots = new Fd(number);
    return namesIn(snapshots);
  }

  names(): readonly string[] {
    const isDirectory = (name: ByteString): boolean => ((statIn(this.#volumes, nameArgument(name))?.mode ?? 0) & S.IFMT) === S.IFDIR;
    return namesIn(this.#volumes).filter(isDirectory);
  }

  isEmpty(name: string): boolean {
    const number = tryOpenIn(this.#volumes, `${name}/${dataName}`, directory, 'plain');
    if (number < 0) return true;
    using data = new Fd(number);
    return namesIn(data).length === 0;
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

class Draft implements VolumeDraft {
  readonly data: Fd;
  readonly #volumes: Fd;
  readonly #tmp: Fd;
  readonly #trash: Trash;
  readonly #name: string;
  readonly #dir: Fd;

  constructor(volumes: Fd, tmp: Fd, name: string, trash: Trash) {
    this.#volumes = volumes;
    this.#tmp = tmp;
    this.#trash = trash;
    this.#name = name;
    using opened = new DisposableStack();
    call('mkdirat', tmp.number, name, 0o701);
    this.#dir = opened.use(openIn(tmp, name, directory, 'plain'));
    call('mkdirat', this.#dir.number, dataName, 0o755);
    this.data = opened.use(openIn(this.#dir, dataName, directory, 'plain'));
    opened.move();
  }

  becomeVolume(name: string): void {
    call('renameat2', this.#tmp.number, this.#name, this.#volumes.number, name, RENAME.NOREPLACE);
  }

  /** What the volume had lies in the draft then, and goes with it. */
  becomeDataOf(name: string): void {
    call('renameat2', this.#dir.number, dataName, this.#volumes.number, `${name}/${dataName}`, RENAME.EXCHANGE);
  }

  becomeSnapshotOf(name: string, snapshot: string): void {
    using volume = openIn(this.#volumes, name, directory, 'plain');
    const made = tryCall('mkdirat', volume.number, snapshotsName, 0o700);
    if (made < 0 && made !== EEXIST) throw new KernelError('mkdirat', snapshotsName, -made);
    call('renameat2', this.#dir.number, dataName, volume.number, `${snapshotsName}/${snapshot}`, RENAME.NOREPLACE);
  }

  moveInto(name: string): void {
    using data = openIn(this.#volumes, `${name}/${dataName}`, directory, 'plain');
    for (const entry of namesIn(this.data)) {
      const moved = tryCall('renameat2', this.data.number, nameArgument(entry), data.number, nameArgument(entry), RENAME.NOREPLACE);
      if (moved < 0 && moved !== EEXIST) throw new KernelError('renameat2', quoteName(entry), -moved);
    }
    const { uid, gid, mode } = statFd(this.data);
    call('fchown', data.number, uid, gid);
    call('fchmod', data.number, mode & 0o7777);
  }

  [Symbol.dispose](): void {
    this.data[Symbol.dispose]();
    this.#dir[Symbol.dispose]();
    this.#trash.discard(this.#tmp, this.#name);
  }
}
