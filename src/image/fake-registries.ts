// A registry in memory, for tests: what the real one says to image/, without HTTP. It counts what is asked of it, and can hold blobs back.
import { createHash } from 'node:crypto';
import { digestOf, fail, type Digest } from '../base/index.ts';
import type { Registries, Repository } from '../registry/index.ts';
import { mediaTypes, type Descriptor } from '../spec/oci/image.ts';
import { familiarReference } from '../spec/reference.ts';

interface Stored {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

export class FakeRegistries implements Registries {
  readonly blobs = new Map<Digest, Buffer>();
  /** By tag and by digest. */
  readonly documents = new Map<string, Stored>();
  /** `HEAD latest`, `GET sha256:…`, `BLOB sha256:…`, `MOUNT …`, `PUT …`, `UPLOAD …`: in order. */
  readonly asked: string[] = [];
  readonly closed: string[] = [];
  /** Awaited before each piece of a blob. */
  beforePiece: (digest: Digest, offset: number) => Promise<void> = async () => undefined;
  pieceBytes = 64 * 1024;

  addBlob(bytes: Buffer, mediaType: string, extra: Partial<Descriptor> = {}): Descriptor {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...extra };
  }

  addDocument(document: object, mediaType: string, tag?: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document, undefined, 3));
    const digest = digestOf(bytes);
    for (const name of tag === undefined ? [digest] : [digest, tag]) this.documents.set(name, { bytes, mediaType });
    return { mediaType, digest, size: bytes.length };
  }

  /** An image of these layers: tars, compressed by `compress`. */
  addImage(tars: readonly Buffer[], options: { readonly tag?: string; readonly compress?: (tar: Buffer) => Buffer; readonly architecture?: string; readonly variant?: string; readonly words?: object } = {}): Descriptor {
    const { compress = (tar: Buffer) => tar, architecture = 'amd64', tag, words = {}, variant } = options;
    const config = { architecture, ...variant === undefined ? {} : { variant }, os: 'linux', config: { Cmd: ['sh'], ...words }, rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) } };
    const layers = tars.map((tar) => this.addBlob(compress(tar), `${mediaTypes.ociLayer}+gzip`));
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: this.addBlob(Buffer.from(JSON.stringify(config)), mediaTypes.ociConfig), layers };
    return { ...this.addDocument(manifest, mediaTypes.ociManifest, tag), platform: { os: 'linux', architecture, ...variant === undefined ? {} : { variant } } };
  }

  repository(reference: Parameters<Registries['repository']>[0]): Repository {
    return this.#repository(familiarReference(reference));
  }

  #repository(name: string): Repository {
    const { documents, blobs, asked, closed } = this;
    const found = (key: string): Stored => {
      const document = documents.get(key);
      if (document === undefined) throw fail('not_found', `manifest for ${name} not found: manifest unknown: manifest unknown`);
      return document;
    };
    const descriptorOf = ({ bytes, mediaType }: Stored): Descriptor => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
    const unused = (): never => { throw new Error('not part of the fake'); };
    return {
      document: async (key) => { asked.push(`GET ${key}`); return { descriptor: descriptorOf(found(key)), bytes: found(key).bytes }; },
      exists: async (key) => { asked.push(`HEAD ${key}`); return documents.has(key) ? descriptorOf(found(key)) : undefined; },
      blob: (descriptor, offset = 0) => this.#pieces(descriptor, offset),
      tags: () => tagsOf([...documents.keys()].filter((key) => !key.startsWith('sha256:'))),
      referrers: unused,
      hasBlob: async (digest) => blobs.has(digest),
      putBlob: async (descriptor, bytes, { from } = {}) => {
        if (blobs.has(descriptor.digest)) return 'there';
        asked.push(`UPLOAD ${descriptor.digest}${from === undefined ? '' : ` or mount from ${from}`}`);
        const pieces: Uint8Array[] = [];
        for await (const piece of bytes(0)) pieces.push(Uint8Array.from(piece));
        const whole = Buffer.concat(pieces);
        if (`sha256:${createHash('sha256').update(whole).digest('hex')}` !== descriptor.digest) throw fail('invalid', 'digest invalid: provided digest did not match uploaded content');
        blobs.set(descriptor.digest, whole);
        return 'uploaded';
      },
      putDocument: async (key, bytes, mediaType) => {
        asked.push(`PUT ${key}`);
        const digest = digestOf(bytes);
        for (const one of [key, digest]) documents.set(one, { bytes: Buffer.from(bytes), mediaType });
        return digest;
      },
      [Symbol.asyncDispose]: async () => { closed.push(name); },
    };
  }

  async* #pieces({ digest }: Descriptor, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    this.asked.push(`BLOB ${digest}`);
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) throw fail('not_found', `blob ${digest} not found`);
    for (let at = offset; at < bytes.length; at += this.pieceBytes) {
      await this.beforePiece(digest, at);
      yield bytes.subarray(at, at + this.pieceBytes);
    }
  }

  login = (): never => { throw new Error('not part of the fake'); };
  search = (): never => { throw new Error('not part of the fake'); };

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is open.
  }
}

async function* tagsOf(tags: readonly string[]): AsyncGenerator<string, void, undefined> {
  yield* tags;
}
