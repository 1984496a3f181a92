// `images --tree`: each image with the platforms of its index; what is not here is said to be so.
import type { ImageSummary, ManifestSummary } from '../spec/docker/image.ts';
import { formatPlatform } from '../spec/oci/platform.ts';
import { Exit } from './errors.ts';
import { say, type Session } from './session.ts';
import { alignColumns } from './table.ts';
import { humanSize } from './units.ts';

interface TreeOptions {
  readonly format: string | undefined;
  readonly quiet: boolean;
  readonly digests: boolean;
  readonly 'no-trunc': boolean;
}

/** @throws Exit for flags that mean a table */
export function printTree(session: Session, images: readonly ImageSummary[], options: TreeOptions): number {
  for (const [name, isGiven] of [['--quiet', options.quiet], ['--format', options.format !== undefined], ['--digests', options.digests]] as const) {
    if (isGiven) throw new Exit(1, `${name} is not supported with --tree`);
  }
  const rows = images.flatMap((image) => treeRows(image, options['no-trunc']));
  for (const line of alignColumns(['IMAGE\tID\tDISK USAGE\tCONTENT SIZE\tIN USE', ...rows])) say(session, line.trimEnd());
  return 0;
}

function treeRows(image: ImageSummary, isWhole: boolean): readonly string[] {
  const manifests = image.Manifests ?? [];
  const sum = (size: (one: ManifestSummary) => number): number => manifests.reduce((total, one) => total + size(one), 0);
  const [usage, content] = manifests.length === 0 ? [image.Size, 0] : [sum(({ Size }) => Size.Total), sum(({ Size }) => Size.Content)];
  const id = idText(image.Descriptor?.digest ?? image.Id, isWhole);
  const names = image.RepoTags.length === 0 ? ['<untagged>'] : image.RepoTags;
  const platforms = manifests.filter(({ Kind }) => Kind === 'image');
  const children = platforms.map((one, i) => childRow(one, i === platforms.length - 1, isWhole));
  return [...names.map((name) => row(name, id, usage, content, image.Containers > 0)), ...children];
}

function childRow({ Available, Descriptor, ImageData, Size }: ManifestSummary, isLast: boolean, isWhole: boolean): string {
  const name = `${isLast ? '└─' : '├─'} ${ImageData === undefined ? '?' : formatPlatform(ImageData.Platform)}`;
  if (!Available) return [name, idText(Descriptor.digest, isWhole), 'not here', '', ''].join('\t');
  return row(name, idText(Descriptor.digest, isWhole), Size.Total, Size.Content, (ImageData?.Containers.length ?? 0) > 0);
}

function row(name: string, id: string, usage: number, content: number, isUsed: boolean): string {
  return [name, id, humanSize(usage), humanSize(content), isUsed ? 'U' : ''].join('\t');
}

function idText(digest: string, isWhole: boolean): string {
  return isWhole ? digest : digest.replace(/^sha256:/, '').slice(0, 12);
}
