// References: the names of images, as people write them and as they are meant.
//
//   busybox                         docker.io/library/busybox:latest
//   ghcr.io/a/b:1                   ghcr.io/a/b:1
//   localhost:5000/x@sha256:…       the content of that digest
//
// The *familiar* form leaves out what everybody leaves out (docker.io, library/); the *canonical* one has it. The first part of a name is a
// registry when it looks like a host: a dot, a colon, an upper-case letter, or "localhost". Source: the grammar in distribution's
// reference package, and what dockerd 28.5 answers to each form.
import { fail, parseDigest, type Digest } from '../base/index.ts';

export interface Reference {
  /** `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** `library/busybox`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const textLengthMax = 4096;
const pathLengthMax = 255;
const defaultDomain = 'docker.io';
const officialPrefix = 'library/';

const hostPart = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const domainPattern = new RegExp(`^(?:${hostPart}(?:\\.${hostPart})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const pathPart = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${pathPart}(?:/${pathPart})*$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** Reads a reference in familiar or canonical form. @throws `invalid` with Docker's texts. */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) throw fail('invalid', `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  if (text.length > textLengthMax) throw invalid();
  const [domain, remainder] = splitDomain(text);
  const repository = remainder.split(':', 1)[0]!;
  if (repository.toLowerCase() !== repository) throw fail('invalid', `invalid reference format: repository name (${repository}) must be lowercase`);
  const { path, tag, digest } = splitRemainder(remainder);
  if (!domainPattern.test(domain) || !pathPattern.test(path)) throw invalid();
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid();
  if (digest !== undefined && !digestPattern.test(digest)) throw invalid();
  if (path.length > pathLengthMax) throw fail('invalid', `repository name must not be more than ${pathLengthMax} characters`);
  return { domain, path, ...tag === undefined ? {} : { tag }, ...digest === undefined ? {} : { digest: parseDigest(digest) } };
}

function splitDomain(text: string): readonly [domain: string, remainder: string] {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
  const domain = isDomain && first !== 'index.docker.io' ? first : defaultDomain;
  const remainder = isDomain ? text.slice(slash + 1) : text;
  return [domain, domain === defaultDomain && !remainder.includes('/') ? `${officialPrefix}${remainder}` : remainder];
}

function splitRemainder(remainder: string): { readonly path: string; readonly tag: string | undefined; readonly digest: string | undefined } {
  const at = remainder.indexOf('@');
  const named = at < 0 ? remainder : remainder.slice(0, at);
  const colon = named.indexOf(':');
  return {
    path: colon < 0 ? named : named.slice(0, colon),
    tag: colon < 0 ? undefined : named.slice(colon + 1),
    digest: at < 0 ? undefined : remainder.slice(at + 1),
  };
}

function invalid(): Error {
  return fail('invalid', 'invalid reference format');
}

/** A reference without tag and digest means the tag `latest`. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** `busybox`, `ghcr.io/a/b`. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== defaultDomain) return `${reference.domain}/${reference.path}`;
  const short = reference.path.startsWith(officialPrefix) ? reference.path.slice(officialPrefix.length) : reference.path;
  return short.includes('/') ? reference.path : short;
}

/** `busybox:latest`, `ghcr.io/a/b@sha256:…`. */
export function familiarReference(reference: Reference): string {
  return `${familiarName(reference)}${suffixOf(reference)}`;
}

/** `docker.io/library/busybox:latest`: one text for one meaning. */
export function canonicalReference(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffixOf(reference)}`;
}

function suffixOf({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}
