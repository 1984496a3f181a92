// What `ip link` shows of every link of an engine: its alias. Which engine it belongs to is found again by it, after whatever end, and so engines beside each
// other keep their hands off each other's links.

export function markOf(engineId: string, what: string): string {
  return `estiva ${engineId} ${what}`;
}

export function isMarked(engineId: string, { alias }: { readonly alias: string }): boolean {
  return alias.startsWith(markOf(engineId, ''));
}

/** By an engine that is not this one. */
export function isMarkedByAnother(engineId: string, link: { readonly alias: string }): boolean {
  return link.alias.startsWith('estiva ') && !isMarked(engineId, link);
}
