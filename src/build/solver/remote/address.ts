// What stands elsewhere: whether a source of ADD, or a context, is a file of the web or a git repository, and what of it. Pure.
// Source: Dockerfile reference, "ADD"; Docker's CLI reference, "docker build", Git repositories.
import { posix } from 'node:path';
import { wrong } from '../../../spec/dockerfile/index.ts';

export interface GitAddress {
  readonly kind: 'git';
  /** As git takes it, without a fragment. */
  readonly url: string;
  /** A branch, a tag, a commit, or a whole name (`refs/…`); undefined: the repository's own. */
  readonly ref: string | undefined;
  /** Relative; empty for all of it. */
  readonly subdir: string;
  /** The commit that it must be, from its beginning. */
  readonly commit: string | undefined;
}

export type RemoteAddress = GitAddress | { readonly kind: 'http'; readonly url: URL };

const scpLike = /^[\w.-]+@[\w.-]+:(?!\/\/)/;

/** Undefined: it is a path. @throws a DockerfileError for an address that cannot be */
export function parseRemote(text: string): RemoteAddress | undefined {
  const isWeb = /^https?:\/\//i.test(text);
  if (scpLike.test(text) || /^(git|ssh):\/\//i.test(text)) return gitAddress(text);
  if (!isWeb) return undefined;
  if (!URL.canParse(text)) throw wrong(`invalid address: ${text.slice(0, 200)}`);
  const url = new URL(text);
  return url.pathname.endsWith('.git') ? gitAddress(text) : { kind: 'http', url };
}

/** As a context: there a name without a scheme may be a repository, too. */
export function parseRemoteContext(text: string): RemoteAddress | undefined {
  return parseRemote(text.startsWith('github.com/') ? `https://${/\.git([#?]|$)/.test(text) ? text : text.replace(/(?=[#?]|$)/, '.git')}` : text);
}

/** The fragment is `ref`, `ref:directory` or `:directory`; or a query names them. */
function gitAddress(text: string): GitAddress {
  const [, whole = '', query, fragment = ''] = /^([^#?]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const wanted = new URLSearchParams(query ?? '');
  const known = ['ref', 'branch', 'tag', 'subdir', 'checksum', 'commit'];
  for (const name of wanted.keys()) if (!known.includes(name)) throw wrong(`unexpected query ${JSON.stringify(name)} in the address of a git repository`, `Known are ${known.join(', ')}`);
  const at = fragment.indexOf(':');
  const named = wanted.has('branch') ? `refs/heads/${wanted.get('branch')}` : wanted.has('tag') ? `refs/tags/${wanted.get('tag')}` : wanted.get('ref') ?? undefined;
  const ref = (at < 0 ? fragment : fragment.slice(0, at)) || named || undefined;
  const subdir = posix.join('/', wanted.get('subdir') ?? (at < 0 ? '' : fragment.slice(at + 1))).slice(1);
  // Git takes what begins with a dash for an option, and these characters are in no name of its own.
  if (ref !== undefined && (/^-|[\s\0~^:?*[\\]|\.\./.test(ref))) throw wrong(`invalid reference of a git repository: ${JSON.stringify(ref.slice(0, 100))}`);
  if (/[\s\0]/.test(whole)) throw wrong(`invalid address of a git repository: ${JSON.stringify(whole.slice(0, 200))}`);
  const commit = wanted.get('checksum') ?? wanted.get('commit') ?? undefined;
  return { kind: 'git', url: whole, ref, subdir: subdir.replace(/\/$/, ''), commit: commit === undefined ? undefined : parseCommit(commit) };
}

/** @throws a DockerfileError for what is no beginning of a commit's id */
export function parseCommit(text: string): string {
  if (/^[0-9a-f]{7,64}$/.test(text)) return text;
  throw wrong(`invalid checksum of a git repository: ${JSON.stringify(text.slice(0, 100))}`, 'It is the id of the commit, 40 hex digits');
}

/** The file's name: what the address ends with, else what the server says. Undefined when neither has one. */
export function fileNameOf(url: URL, disposition: string | undefined): string | undefined {
  return usable(decoded(url.pathname)) ?? usable(dispositionName(disposition ?? ''));
}

function usable(path: string): string | undefined {
  const name = path.endsWith('/') ? '' : posix.basename(path);
  return name === '' || name === '.' || name === '..' || name.includes('\0') || name.length > 255 ? undefined : name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    // A percent sign that is only one.
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** RFC 6266: `filename*=UTF-8''…` before `filename="…"`. */
function dispositionName(text: string): string {
  const extended = /;\s*filename\*=utf-8'[^']*'([^;\s]+)/i.exec(text)?.[1];
  if (extended !== undefined) return decoded(extended);
  const [, quoted, plain = ''] = /;\s*filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(text) ?? [];
  return quoted?.replace(/\\(.)/g, '$1') ?? plain;
}
