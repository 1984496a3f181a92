// The directories of kept build contexts: contexts/<name>/tree, and beside it what is known of the files, in one file that is put in place in one step.
// Nothing of it is forced to disk: whoever keeps a tree must not believe in it after the machine was started anew.
import { randomBytes } from 'node:crypto';
import { call, Fd, O, openIn, readFileIn } from '../kernel/index.ts';
import { explainDiskFull } from './disk-full.ts';
import { namesIn } from './listing.ts';
import { nameArgument } from './names.ts';
import type { ContextTrees } from './storage.ts';
import type { Trash } from './trash.ts';

const directory = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const notesBytesMax = 256 << 20;

export class ContextDirectories implements ContextTrees, Disposable {
  readonly #path: string;
  readonly #contexts: Fd;
  readonly #trash: Trash;

  constructor(rootDir: string, trash: Trash) {
    this.#path = `${rootDir}/contexts`;
    this.#contexts = Fd.open(this.#path, O.RDONLY | O.DIRECTORY);
    this.#trash = trash;
  }

  make(): string {
    const name = randomBytes(8).toString('hex');
    try {
      call('mkdirat', this.#contexts.number, name, 0o700);
      call('mkdirat', this.#contexts.number, `${name}/tree`, 0o755);
      return name;
    } catch (error) {
      this.discard(name);
      throw explainDiskFull(error, this.#path);
    }
  }

  open(name: string): Fd {
    return openIn(this.#contexts, `${name}/tree`, directory, 'plain');
  }

  readNotes(name: string): string | undefined {
    const bytes = readFileIn(this.#contexts, `${name}/notes`, notesBytesMax, 'plain');
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  }

  writeNotes(name: string, text: string): void {
    try {
      const bytes = Buffer.from(text);
      using file = openIn(this.#contexts, `${name}/notes.new`, O.WRONLY | O.CREAT | O.TRUNC | O.NOFOLLOW, 'plain', 0o600);
      for (let at = 0; at < bytes.length;) at += call('write', file.number, bytes.subarray(at), bytes.length - at);
      call('renameat2', this.#contexts.number, `${name}/notes.new`, this.#contexts.number, `${name}/notes`, 0);
    } catch (error) {
      throw explainDiskFull(error, this.#path);
    }
  }

  discard(name: string): void {
    this.#trash.discard(this.#contexts, nameArgument(name as Parameters<typeof nameArgument>[0]));
  }

  names(): readonly string[] {
    return namesIn(this.#contexts);
  }

  [Symbol.dispose](): void {
    this.#contexts[Symbol.dispose]();
  }
}
