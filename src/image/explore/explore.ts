// What is in an image, layer by layer: who added, changed and removed what, what of it nobody sees, what is there twice.
import type { Digest } from '../../base/index.ts';
import type { Duplicate, Exploration, ExploredLayer, FileChange, WastedPath } from '../../spec/estiva/exploration.ts';
import { familiarReference } from '../../spec/reference.ts';
import { bytesOf, type ByteString } from '../../spec/tar/index.ts';
import type { Snapshots } from '../../storage/index.ts';
import { stepsOf } from '../history.ts';
import type { ImageRecord } from '../store.ts';
import type { Reference } from '../../spec/reference.ts';
import { nodesOf, stackLayers, type Node, type Stack } from './stack.ts';

/** Smaller files are not compared: many of them share one block of the disk anyway. */
const duplicateBytesMin = 4096;

export interface ExploreOptions {
  /** With every file of every layer. */
  readonly files: boolean;
  readonly duplicates: boolean;
}

export async function exploreImage(image: ImageRecord, names: readonly Reference[], snapshots: Snapshots, options: ExploreOptions): Promise<Exploration> {
  const diffIds = image.config.rootfs.diff_ids;
  const stack = await stackOf(image, snapshots);
  const instructions = new Map(stepsOf(image.config).flatMap(({ diffId, created_by: createdBy = '' }) => (diffId === undefined ? [] : [[diffId, createdBy]])));
  const layers = stack.layers.map(({ files, sizeBytes, wastedBytes }, i): ExploredLayer => {
    const count = (change: FileChange['change']): number => files.reduce((sum, file) => sum + (file.change === change ? 1 : 0), 0);
    const diffId = diffIds[i]!;
    return {
      number: i + 1, diffId, createdBy: instructions.get(diffId) ?? '', sizeBytes, wastedBytes, added: count('added'), changed: count('changed'), removed: count('removed'),
      ...options.files ? { files: files.map(shown) } : {},
    };
  });
  const [sizeBytes, wastedBytes] = [sumOf(layers, 'sizeBytes'), sumOf(layers, 'wastedBytes')];
  return {
    id: image.id, tags: names.filter(({ digest }) => digest === undefined).map(familiarReference).sort(), sizeBytes, wastedBytes,
    efficiency: sizeBytes === 0 ? 1 : (sizeBytes - wastedBytes) / sizeBytes, layers, wasted: wastedOf(stack), duplicates: options.duplicates ? await duplicatesOf(stack, diffIds, snapshots) : [],
  };
}

export async function stackOf({ config }: ImageRecord, snapshots: Snapshots): Promise<Stack> {
  const layers = [];
  for (const diffId of config.rootfs.diff_ids) layers.push(await snapshots.survey(diffId));
  return stackLayers(layers);
}

function sumOf(layers: readonly ExploredLayer[], field: 'sizeBytes' | 'wastedBytes'): number {
  return layers.reduce((sum, layer) => sum + layer[field], 0);
}

function wastedOf({ hidden }: Stack): readonly WastedPath[] {
  return [...hidden].filter(([, { bytes }]) => bytes > 0).map(([path, { bytes, layers }]) => ({ path: `/${textOf(path)}`, wastedBytes: bytes, layers: layers.toSorted((a, b) => a - b) }))
    .sort((a, b) => b.wastedBytes - a.wastedBytes || (a.path < b.path ? -1 : 1));
}

async function duplicatesOf({ root }: Stack, diffIds: readonly Digest[], snapshots: Snapshots): Promise<readonly Duplicate[]> {
  const files = [...nodesOf(root)].filter(({ entry }) => entry.kind === 'file' && entry.sizeBytes >= duplicateBytesMin);
  const duplicates: Duplicate[] = [];
  for (const [sizeBytes, same] of Map.groupBy(files, ({ entry }) => entry.sizeBytes)) {
    if (same.length === 1) continue;
    const byDigest = new Map<Digest, Node[]>();
    for (const node of same) {
      const digest = await snapshots.digestFile(diffIds[node.layer - 1]!, node.entry.path);
      byDigest.set(digest, [...byDigest.get(digest) ?? [], node]);
    }
    for (const [digest, nodes] of byDigest) {
      if (nodes.length > 1) duplicates.push({ digest, sizeBytes, files: nodes.map(({ entry, layer }) => ({ path: `/${textOf(entry.path)}`, layer })) });
    }
  }
  return duplicates.sort((a, b) => b.sizeBytes * (b.files.length - 1) - a.sizeBytes * (a.files.length - 1));
}

function shown(change: FileChange): FileChange {
  return { ...change, path: textOf(change.path), ...change.target === undefined ? {} : { target: textOf(change.target) } };
}

/** Names are bytes: those of other encodings become readable, not exact. */
export function textOf(name: string): string {
  return bytesOf(name as ByteString).toString('utf8');
}
