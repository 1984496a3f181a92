// manifest: one name for images of several platforms. They are in a registry already; a list of them is made here, and pushed.
import { copyImage, describeImage, type Registries } from '../../registry/index.ts';
import { mediaTypes } from '../../spec/oci/image.ts';
import { canonicalReference, parseReference, type Reference } from '../../spec/reference.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { listNamed, type ListEntry } from '../remote/manifest-lists.ts';
import { indexOf, insecure, listsOf, named, openFor, wordOf } from '../remote/manifest-words.ts';
import { repositoryOf } from '../remote/registries.ts';
import { say, type Session } from '../session.ts';

export const create = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST [MANIFEST...]',
  summary: 'Create a local manifest list, to annotate and push to a registry',
  examples: [['manifest create registry.example/box:1 registry.example/box:1-amd64 registry.example/box:1-arm64', 'one name for two platforms']],
  flags: { amend: flag.on('a', 'Add to a list that is there'), insecure },
  operands: { min: 2 },
  async run({ values: { amend, insecure: isInsecure }, operands: [list = '', ...images], session }) {
    const [target, lists] = [named(list), listsOf(session)];
    const before = lists.get(target);
    if (before !== undefined && !amend) throw new Exit(1, 'refusing to amend an existing manifest list with no --amend flag');
    const references = images.map(named);
    await using registries = openFor(session, isInsecure, references);
    const entries: ListEntry[] = [];
    for (const reference of references) entries.push(await entryOf(registries, reference, session));
    const kept = (before ?? []).filter((old) => !entries.some(({ reference }) => reference === old.reference));
    lists.put(target, [...kept, ...entries]);
    say(session, `Created manifest list ${canonicalReference(target)}`);
    return 0;
  },
});

async function entryOf(registries: Registries, reference: Reference, session: Session): Promise<ListEntry> {
  await using repository = await repositoryOf(registries, reference, 'pull', session);
  const { descriptor, platforms } = await describeImage(repository, wordOf(reference));
  if (descriptor.mediaType === mediaTypes.ociIndex || descriptor.mediaType === mediaTypes.dockerIndex) throw new Exit(1, `${canonicalReference(reference)} is a manifest list`);
  const { mediaType, digest, size } = descriptor;
  return { reference: canonicalReference(reference), mediaType, digest, size, platform: platforms[0] ?? { architecture: '', os: '' } };
}

export const annotate = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST',
  summary: 'Say more about a manifest of a local list',
  examples: [['manifest annotate --arch arm --variant v7 registry.example/box:1 registry.example/box:1-arm', 'what the image itself does not tell']],
  flags: {
    arch: flag.text('', 'string', 'Architecture'), os: flag.text('', 'string', 'Operating system'), 'os-features': flag.texts('', 'strings', 'Features of the operating system'),
    'os-version': flag.text('', 'string', 'Version of the operating system'), variant: flag.text('', 'string', 'Variant of the architecture'),
  },
  operands: { min: 2, max: 2 },
  async run({ values, operands: [list = '', image = ''], session }) {
    const [lists, target, wanted] = [listsOf(session), named(list), canonicalReference(named(image))];
    const entries = lists.get(target);
    const old = entries?.find(({ reference }) => reference === wanted);
    if (entries === undefined || old === undefined) throw new Exit(1, `manifest for image ${image} does not exist in ${list}`);
    const said = { architecture: values.arch, os: values.os, 'os.version': values['os-version'], variant: values.variant, 'os.features': values['os-features'].length === 0 ? undefined : values['os-features'] };
    const platform = { ...old.platform, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) };
    lists.put(target, entries.map((entry) => (entry === old ? { ...old, platform } : entry)));
    return 0;
  },
});

export const push = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST',
  summary: 'Push a manifest list to a repository',
  examples: [['manifest push --purge registry.example/box:1', 'and forget it here']],
  flags: { insecure, purge: flag.on('p', 'Remove the local list after the push') },
  operands: { min: 1, max: 1 },
  async run({ values: { insecure: isInsecure, purge }, operands: [list = ''], session }) {
    const [target, lists] = [named(list), listsOf(session)];
    const entries = listNamed(lists, target);
    const elsewhere = entries.map(({ reference }) => parseReference(reference)).find(({ domain }) => domain !== target.domain);
    if (elsewhere !== undefined) throw new Exit(1, `cannot use source images from a different registry than the target image: ${elsewhere.domain} != ${target.domain}`);
    await using registries = openFor(session, isInsecure, [target]);
    await using writing = await repositoryOf(registries, target, 'push', session);
    for (const { reference, digest } of entries) {
      const source = parseReference(reference);
      if (source.path === target.path) continue;
      await using reading = await repositoryOf(registries, source, 'pull', session);
      await copyImage(reading, digest, writing, undefined, { from: source.path });
      say(session, `Pushed ref ${canonicalReference({ domain: target.domain, path: target.path, digest })} with digest: ${digest}`);
    }
    const { bytes, mediaType } = indexOf(entries);
    say(session, await writing.putDocument(wordOf(target), bytes, mediaType));
    if (purge) lists.remove(target);
    return 0;
  },
});

export const rm = defineCommand({
  usage: 'MANIFEST_LIST [MANIFEST_LIST...]',
  summary: 'Remove local manifest lists',
  flags: {},
  operands: { min: 1 },
  async run({ operands, session }) {
    const lists = listsOf(session);
    const missing = operands.filter((list) => !lists.remove(named(list)));
    if (missing.length > 0) throw new Exit(1, missing.map((list) => `No such manifest: ${canonicalReference(named(list))}`).join('\n'));
    return 0;
  },
});
