// Git repositories, by the program git: it alone speaks to every server that there is. It sees no configuration but what is here: not the system's, not
// the user's, no hook, no prompt; what a repository names as its submodules comes over the network, never from a path of this machine
// (docs/decisions/0023). Over ssh it has the keys and known hosts of the daemon's user.
import { spawn } from 'node:child_process';
import { EstivaError, fail } from '../../../base/index.ts';
import { isKernelError, O, openIn, type Fd } from '../../../kernel/index.ts';
import { nameArgument } from '../../../storage/index.ts';
import { byteString } from '../../../spec/tar/index.ts';
import type { DownloadRequest } from '../ports.ts';
import type { GitAddress } from './address.ts';

export interface GitRoom {
  /** An empty directory for it. */
  readonly dir: Fd;
  readonly proxy: DownloadRequest['proxy'];
  readonly signal: AbortSignal;
}

export interface Checkout extends Disposable {
  readonly dir: Fd;
  readonly committedAtSeconds: number;
}

const outputBytesMax = 4 << 20;
const gitMsMax = 30 * 60_000;
/** What a whole commit id looks like: SHA-1 or SHA-256. */
const wholeCommit = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** The commit that the address means. @throws `not_found` when there is none, `invalid` when it is not the one that was expected */
export async function resolveCommit({ url, ref, commit: expected }: GitAddress, room: GitRoom): Promise<string> {
  // Its own repository comes first: git would look for one in the directories above.
  await git(['init', '--quiet', '--template=', 'work'], room);
  const commit = ref !== undefined && wholeCommit.test(ref) ? ref : await lookUp(url, ref, room);
  if (expected !== undefined && !commit.startsWith(expected)) throw fail('invalid', `expected checksum to match ${expected}, got ${commit}`, { hint: 'The branch or tag has moved, or the checksum is of another commit' });
  return commit;
}

/** A branch before a tag, as git checkout has it; of a tag with an object of its own, the commit. */
async function lookUp(url: string, ref: string | undefined, room: GitRoom): Promise<string> {
  const names = ref === undefined ? ['HEAD'] : ref.startsWith('refs/') ? [ref, `${ref}^{}`] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/tags/${ref}^{}`];
  const lines = (await inWork(room, ['ls-remote', '--', url, ...names])).split('\n').map((line) => line.split('\t', 2) as [string, string?]);
  const of = (name: string): string | undefined => lines.find(([, found]) => found === name)?.[0];
  const [first = ''] = names;
  const found = ref === undefined || ref.startsWith('refs/') ? of(`${first}^{}`) ?? of(first) : of(first) ?? of(`refs/tags/${ref}^{}`) ?? of(`refs/tags/${ref}`);
  if (found !== undefined && wholeCommit.test(found)) return found;
  throw fail('not_found', `The repository ${withoutPassword(url)} has no ${ref === undefined ? 'commit' : `branch or tag ${JSON.stringify(ref)}`}`, { hint: 'A commit is named by all digits of its id' });
}

function inWork(room: GitRoom, args: readonly string[]): Promise<string> {
  return git(['-C', 'work', ...args], room);
}

/** Fetches the commit that was resolved, as little more as the server allows, and gives its files. */
export async function checkOut({ url, subdir }: GitAddress, commit: string, room: GitRoom & { readonly keepsGitDir: boolean }): Promise<Checkout> {
  const inside = (args: readonly string[]): Promise<string> => inWork(room, args);
  await inside(['remote', 'add', '--', 'origin', withoutPassword(url)]);
  try {
    await inside(['fetch', '--quiet', '--no-tags', '--depth=1', '--', url, commit]);
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    // A server that gives only what has a name, or knows no part of a history.
    await inside(['fetch', '--quiet', '--', url, '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']);
  }
  await inside(['checkout', '--quiet', '--detach', commit]);
  await inside(['submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1']);
  const committedAtSeconds = Number((await inside(['log', '-1', '--format=%ct', commit])).trim());
  using work = openIn(room.dir, 'work', O.RDONLY | O.DIRECTORY, 'plain');
  const dir = directoryIn(work, subdir);
  return { dir, committedAtSeconds, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

function directoryIn(work: Fd, subdir: string): Fd {
  try {
    return openIn(work, nameArgument(byteString(subdir === '' ? '.' : subdir)), O.RDONLY | O.DIRECTORY, 'inside');
  } catch (error) {
    if (isKernelError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw fail('not_found', `The repository has no directory ${JSON.stringify(subdir)}`, { cause: error });
    throw error;
  }
}

/** Git ran, and says that it did not work. */
class GitFailure extends EstivaError {}

const settings = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'credential.helper=', 'advice.detachedHead=false', 'submodule.recurse=false', 'init.defaultBranch=main', 'gc.auto=0', 'maintenance.auto=false'];

/** For what it notes about itself: without a name it would ask the name servers for this machine's. */
const identity = Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((who) => [[`GIT_${who}_NAME`, 'estiva'], [`GIT_${who}_EMAIL`, 'estiva@localhost']]));

function environmentOf({ http, https, none }: DownloadRequest['proxy']): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  const inherited = Object.fromEntries(['http_proxy', 'https_proxy', 'no_proxy', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  return {
    ...inherited, ...http === undefined ? {} : { http_proxy: http }, ...https === undefined ? {} : { https_proxy: https }, ...none === undefined ? {} : { no_proxy: none },
    ...PATH === undefined ? {} : { PATH }, LC_ALL: 'C', ...identity, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_ATTR_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '/bin/false', SSH_ASKPASS: '/bin/false',
    GIT_ALLOW_PROTOCOL: 'http:https:git:ssh', GIT_SSH_COMMAND: 'ssh -F /dev/null -o BatchMode=yes', GIT_HTTP_LOW_SPEED_LIMIT: '256', GIT_HTTP_LOW_SPEED_TIME: '60',
  };
}

/** What it prints. @throws GitFailure, as `invalid` with git's last words; `unsupported` when there is no git */
async function git(args: readonly string[], { dir, proxy, signal }: GitRoom): Promise<string> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // The directory has no other name that stays: ours is right as long as the child begins.
  const child = spawn('/bin/sh', ['-c', 'umask 022; exec git "$@"', 'git', ...settings.flatMap((one) => ['-c', one]), ...args], { cwd: `/proc/self/fd/${dir.number}`, env: environmentOf(proxy), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  // It has children of its own: all of them end.
  const end = (): void => { if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL'); };
  const timer = setTimeout(end, gitMsMax);
  signal.addEventListener('abort', end, { once: true });
  const said = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => { if (said.out.length < outputBytesMax) said.out += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said.error = (said.error + text).slice(-2048); });
  child.once('error', reject);
  child.once('close', (code) => {
    if (signal.aborted) reject(signal.reason as Error);
    else if (code === 0) resolve(said.out);
    else reject(code === 127 ? notInstalled() : gitFailure(args, said.error, code));
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

function notInstalled(): Error {
  return fail('unsupported', 'A git repository needs the program git, which is not installed where the daemon runs', { hint: 'Install it there (Debian: apt-get install git), or clone the repository and send the files' });
}

function gitFailure(args: readonly string[], text: string, code: number | null): GitFailure {
  const last = text.trim().split('\n').slice(-3).join('; ').replaceAll(/\/\/[^/@\s]*@/g, '//');
  const verb = args.find((arg) => /^[a-z]/.test(arg) && arg !== 'work') ?? '';
  return new GitFailure('invalid', `git ${verb} failed${code === null ? ' (it was ended)' : ''}: ${last}`);
}

function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, (whole, scheme: string) => (scheme.startsWith('ssh') ? whole : scheme));
}
