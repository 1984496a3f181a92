// How the finished trees of two images differ: by what can be seen in a container, not by time stamps or by which layer has it.
import type { ImageDifference } from '../../spec/estiva/exploration.ts';
import type { Snapshots } from '../../storage/index.ts';
import type { ImageRecord } from '../store.ts';
import { stackOf, textOf } from './explore.ts';
import { nodesOf, type Node } from './stack.ts';

/** In the order of their paths. */
export async function differencesOf(before: ImageRecord, after: ImageRecord, snapshots: Snapshots): Promise<readonly ImageDifference[]> {
  const nodesBefore = await nodesByPath(before, snapshots);
  const nodesAfter = await nodesByPath(after, snapshots);
  const differences: ImageDifference[] = [];
  for (const path of new Set([...nodesBefore.keys(), ...nodesAfter.keys()])) {
    const [a, b] = [nodesBefore.get(path), nodesAfter.get(path)];
    if (a !== undefined && b !== undefined && !await differs(a, b)) continue;
    const kind = (b ?? a)!.entry.kind;
    const change = a === undefined ? 'added' : b === undefined ? 'removed' : 'changed';
    differences.push({ path: `/${textOf(path)}`, change, kind, bytesBefore: a?.entry.sizeBytes ?? 0, bytesAfter: b?.entry.sizeBytes ?? 0 });
  }
  return differences.sort((a, b) => (a.path < b.path ? -1 : 1));

  async function differs(a: Node, b: Node): Promise<boolean> {
    const { entry: one } = a;
    const { entry: other } = b;
    if (one.kind !== other.kind || one.mode !== other.mode || one.uid !== other.uid || one.gid !== other.gid || one.target !== other.target) return true;
    if (one.kind !== 'file' || one.sizeBytes !== other.sizeBytes) return one.sizeBytes !== other.sizeBytes;
    const [layerBefore, layerAfter] = [before.config.rootfs.diff_ids[a.layer - 1]!, after.config.rootfs.diff_ids[b.layer - 1]!];
    if (layerBefore === layerAfter || one.sizeBytes === 0) return false;
    return await snapshots.digestFile(layerBefore, one.path) !== await snapshots.digestFile(layerAfter, other.path);
  }
}

async function nodesByPath(image: ImageRecord, snapshots: Snapshots): Promise<ReadonlyMap<string, Node>> {
  const { root } = await stackOf(image, snapshots);
  return new Map([...nodesOf(root)].map((node) => [node.entry.path, node]));
}
