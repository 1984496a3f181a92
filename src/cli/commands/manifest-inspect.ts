// manifest inspect: what a registry has under a name, or a list in the making, without pulling anything.
import { decode } from '../../base/index.ts';
import { describeImage, type Repository } from '../../registry/index.ts';
import { mediaTypes, type Descriptor } from '../../spec/oci/image.ts';
import { parseManifest } from '../../spec/oci/manifest.ts';
import { canonicalReference, type Reference } from '../../spec/reference.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { listNamed, type ListEntry } from '../remote/manifest-lists.ts';
import { indexOf, insecure, listsOf, named, openFor, wordOf } from '../remote/manifest-words.ts';
import { repositoryOf } from '../remote/registries.ts';
import { say, type Session } from '../session.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [MANIFEST_LIST] MANIFEST',
  summary: 'Show a manifest or a manifest list, local or in a registry',
  examples: [['manifest inspect alpine:3', 'without pulling it'], ['manifest inspect -v registry.example/box:1', 'with descriptors, and the manifests in it']],
  flags: { insecure, verbose: flag.on('v', 'Also descriptors, and the manifests of a list') },
  operands: { min: 1, max: 2 },
  async run({ values: { insecure: isInsecure, verbose }, operands: [first = '', second], session }) {
    const reference = named(second ?? first);
    const local = second === undefined ? listsOf(session).get(reference) : undefined;
    if (local !== undefined && !verbose) return show(session, indexOf(local).bytes);
    await using registries = openFor(session, isInsecure, [reference]);
    await using repository = await repositoryOf(registries, reference, 'pull', session);
    const digest = second === undefined ? undefined : entryIn(session, first, second).digest;
    if (local !== undefined) return show(session, await itemsOf(repository, reference, local));
    const document = await repository.document(digest ?? wordOf(reference));
    if (!verbose) return show(session, document.bytes);
    const parsed = parseManifest(Buffer.from(document.bytes).toString('utf8'), document.descriptor.mediaType);
    if ('index' in parsed) return show(session, await itemsOf(repository, reference, parsed.index.manifests));
    const { platforms } = await describeImage(repository, document.descriptor.digest);
    return show(session, item(canonicalReference(reference), document.descriptor, document.bytes, platforms[0]));
  },
});

function show(session: Session, value: Uint8Array | object): number {
  say(session, JSON.stringify(value instanceof Uint8Array ? decode.parseJson(Buffer.from(value).toString('utf8')) : value, undefined, '\t'));
  return 0;
}

function entryIn(session: Session, list: string, image: string): ListEntry {
  const found = listNamed(listsOf(session), named(list)).find(({ reference }) => reference === canonicalReference(named(image)));
  if (found === undefined) throw new Exit(1, `manifest for image ${image} does not exist in ${list}`);
  return found;
}

async function itemsOf(repository: Repository, reference: Reference, parts: readonly Pick<Descriptor, 'digest' | 'platform'>[]): Promise<readonly object[]> {
  const items: object[] = [];
  for (const { digest, platform } of parts) {
    const { descriptor, bytes } = await repository.document(digest);
    items.push(item(`${canonicalReference(reference)}@${digest}`, descriptor, bytes, platform));
  }
  return items;
}

/** One manifest, as Docker's --verbose has it. */
function item(Ref: string, { mediaType, digest, size }: Descriptor, bytes: Uint8Array, platform: object | undefined): object {
  const text = Buffer.from(bytes);
  const field = mediaType === mediaTypes.dockerManifest ? 'SchemaV2Manifest' : 'OCIManifest';
  return { Ref, Descriptor: { mediaType, digest, size, ...platform === undefined ? {} : { platform } }, Raw: text.toString('base64'), [field]: decode.parseJson(text.toString('utf8')) };
}
