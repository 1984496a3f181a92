// The order in which mounts are made: the shallow before the deep, which lie in them; as dockerd does.

/** Stable: those of one depth stay as they are. */
export function byDepth<T extends { readonly destination: string }>(mounts: readonly T[]): readonly T[] {
  const depthOf = ({ destination }: T): number => destination.split('/').length;
  return mounts.toSorted((a, b) => depthOf(a) - depthOf(b));
}
