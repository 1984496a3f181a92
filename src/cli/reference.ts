// Splits an image reference as the user wrote it. The daemon is who judges it; this only finds the tag and the digest.

export interface SplitReference {
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** The colon of a tag stands after the last slash: `host:5000/name` has none. */
export function splitReference(text: string): SplitReference {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.indexOf(':', rest.lastIndexOf('/') + 1);
  return { name: colon < 0 ? rest : rest.slice(0, colon), tag: colon < 0 ? undefined : rest.slice(colon + 1), digest };
}
