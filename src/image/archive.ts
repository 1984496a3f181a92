// An archive whose members are wanted by name, in whatever order they come: all of it is spooled, and read again once its table of contents is known.
// Names never leave the archive: they are keys of a map, not paths of a filesystem.
import { fail } from '../base/index.ts';
import { byteString, quoteName, readTar, tarLimits, type ByteString, type TarEntry } from '../spec/tar/index.ts';
import type { Piece, Spool } from '../storage/index.ts';

const membersMax = 100_000;
const linksMax = 16;

type Member = Piece | { readonly linkTo: ByteString };

export class Archive {
  readonly #spool: Spool;
  readonly #members: ReadonlyMap<string, Member>;

  private constructor(spool: Spool, members: ReadonlyMap<string, Member>) {
    this.#spool = spool;
    this.#members = members;
  }

  /** Reads the whole tar into `spool`, which stays the caller's. */
  static async read(tar: AsyncIterable<Uint8Array>, spool: Spool, signal: AbortSignal | undefined): Promise<Archive> {
    const members = new Map<string, Member>();
    for await (const entry of readTar(tar, { ...tarLimits, entriesMax: membersMax })) {
      signal?.throwIfAborted();
      const member = await memberOf(entry, spool);
      if (member !== undefined) members.set(normal(entry.path), member);
    }
    return new Archive(spool, members);
  }

  has(path: string): boolean {
    return this.#members.has(normal(byteString(path)));
  }

  /** @throws `invalid` when there is no such member, `too_large` when it has more than `bytesMax`. */
  async bytes(path: string, bytesMax: number): Promise<Buffer> {
    const piece = this.#find(path);
    if (piece.sizeBytes > bytesMax) throw fail('too_large', `${JSON.stringify(path)} in the archive has ${piece.sizeBytes} bytes, more than ${bytesMax}`);
    const parts: Uint8Array[] = [];
    for await (const part of this.#spool.read(piece)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** @throws `invalid` when there is no such member. */
  stream(path: string): AsyncIterable<Uint8Array> {
    return this.#spool.read(this.#find(path));
  }

  #find(path: string): Piece {
    let name = normal(byteString(path));
    for (let links = 0; links <= linksMax; links++) {
      const member = this.#members.get(name);
      if (member === undefined) throw fail('invalid', `The archive has no ${JSON.stringify(path)}`);
      if ('offset' in member) return member;
      name = member.linkTo;
    }
    throw fail('invalid', `${JSON.stringify(path)} in the archive is a link that leads nowhere`);
  }
}

async function memberOf(entry: TarEntry, spool: Spool): Promise<Member | undefined> {
  switch (entry.type) {
    case 'file':
      if (entry.segments !== undefined) throw fail('invalid', `${quoteName(entry.path)} in the archive is a sparse file`);
      return spool.append(entry.data());
    case 'hardlink': return { linkTo: normal(entry.linkPath) };
    case 'symlink': return { linkTo: normal(`${entry.path.replace(/[^/]*$/, '')}${entry.linkPath}` as ByteString) };
    default: return undefined;
  }
}

/** `./a//b/../c` → `a/c`. What goes above the top names nothing that is there. */
function normal(path: ByteString): ByteString {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/') as ByteString;
}
