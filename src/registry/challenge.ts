// WWW-Authenticate: how a registry says what it wants to see. Source: RFC 9110, section 11.6.1; RFC 6750 for `error`; distribution's token specification
// for realm, service and scope.

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const headerLengthMax = 8 * 1024;

/** All challenges of the header, in order; what is not understood is left out. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const token = /[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|(?=\s|,|$))/gy;
  const text = header.slice(0, headerLengthMax);
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, name = '', quoted, bare] = match;
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return challenges;
}
