// RUN --mount: what a step is shown besides its own files, and what of it its key depends on. The files of a bind are part of the key, as those of COPY are;
// what is in a cache or a tmpfs is not.
import { posix } from 'node:path';
import { fail } from '../../base/index.ts';
import { call, cloneMount, O, openIn, S, statFd, statIn, type Fd } from '../../kernel/index.ts';
import type { Mount } from '../../spec/dockerfile/index.ts';
import type { ByteString } from '../../spec/tar/index.ts';
import { copyTree } from '../../storage/index.ts';
import { imageKey, type Base } from '../stages.ts';
import type { Step } from '../step.ts';
import type { CacheWish } from './cache-mounts.ts';
import { digestOfSources } from './digest.ts';
import { findPlace, isDirectory } from './place.ts';
import type { RunMount } from './ports.ts';
import { secretPlan, sshPlan } from './secrets.ts';
import { hiddenPaths, sourceAt, type SourceTree } from './sources.ts';
import { keyOf, type BuildState } from './state.ts';
import type { StepRoom } from './work.ts';

/** A step has a cache once, however often it mounts it. */
type Lease = (wish: CacheWish) => Promise<Fd>;

/** A mount before the step is done. */
export interface MountPlan {
  readonly keyParts: readonly unknown[];
  /** Undefined: it is no place in the files. */
  readonly destination: string | undefined;
  /** Opened for the time of the step, in `opened`. */
  readonly open: (opened: DisposableStack, lease: Lease) => Promise<{ readonly mount?: Omit<RunMount, 'destination'>; readonly environment?: readonly string[] }>;
  /** Those that wait for others are opened in the order of this. */
  readonly order?: string;
}

/** @throws `invalid` for targets and sources that cannot be; in order */
export async function planMounts({ mounts, sources }: Pick<Step, 'mounts' | 'sources'>, { config }: BuildState, room: StepRoom): Promise<readonly MountPlan[]> {
  const waiting = [...sources];
  const plans: MountPlan[] = [];
  let agents = 0;
  const resolve = (target: string): string => targetOf(target, config.WorkingDir ?? '/');
  for (const mount of mounts) {
    const from = mount.from === undefined ? undefined : waiting.shift();
    if (mount.type === 'secret') plans.push(secretPlan(mount, resolve, room));
    else if (mount.type === 'ssh') plans.push(sshPlan(mount, resolve, agents++, room));
    else plans.push(await planFiles(mount, mount.type, from, resolve(mount.target ?? ''), room));
  }
  return plans;
}

export interface OpenedMounts {
  readonly mounts: readonly RunMount[];
  /** Secrets, and where the agent is. */
  readonly environment: readonly string[];
}

/** In the order in which they are mounted. @throws the signal's reason, where it waits for a cache; `invalid` for a secret that is required */
export async function openMounts(plans: readonly MountPlan[], { leaseCache }: Pick<StepRoom, 'leaseCache'>, opened: DisposableStack): Promise<OpenedMounts> {
  const leased = new Map<string, Fd>();
  const lease: Lease = async (wish) => {
    const dir = leased.get(wish.key) ?? opened.use(await leaseCache(wish)).dir;
    leased.set(wish.key, dir);
    return dir;
  };
  const ready = new Map<MountPlan, Awaited<ReturnType<MountPlan['open']>>>();
  for (const plan of plans.toSorted((a, b) => ((a.order ?? '') < (b.order ?? '') ? -1 : 1))) ready.set(plan, await plan.open(opened, lease));
  return {
    mounts: plans.flatMap((plan) => {
      const { mount } = ready.get(plan)!;
      return mount === undefined || plan.destination === undefined ? [] : [{ destination: plan.destination, ...mount }];
    }),
    environment: plans.flatMap((plan) => ready.get(plan)!.environment ?? []),
  };
}

async function planFiles(mount: Mount, type: 'bind' | 'cache' | 'tmpfs', from: Base | undefined, destination: string, room: StepRoom): Promise<MountPlan> {
  if (type === 'tmpfs') return tmpfsPlan(mount, destination);
  return await (type === 'bind' ? bindPlan : cachePlan)(mount, from, destination, room);
}

/** Relative to the working directory. */
function targetOf(target: string, workingDir: string): string {
  const path = posix.resolve('/', workingDir, target);
  if (path === '/') throw fail('invalid', `invalid mount target ${JSON.stringify(path)}`, { hint: 'Say where: --mount=target=/some/directory' });
  return path;
}

function tmpfsPlan({ sizeBytes, readOnly }: Mount, destination: string): MountPlan {
  const options = ['nosuid', ...readOnly ? ['ro'] : [], ...sizeBytes === undefined || sizeBytes === 0 ? [] : [`size=${sizeBytes}`]];
  return { keyParts: ['tmpfs', destination, options], destination, open: () => Promise.resolve({ mount: { source: undefined, options } }) };
}

/** What a bind or a new cache is made of. */
interface MountSource {
  readonly tree: SourceTree;
  /** Without links. */
  readonly subpath: string;
  readonly content: string;
}

async function bindPlan(mount: Mount, from: Base | undefined, destination: string, room: StepRoom): Promise<MountPlan> {
  const source = await sourceOf(mount, from, room);
  return {
    keyParts: ['bind', destination, mount.readOnly, source.content], destination,
    open: (opened) => Promise.resolve({ mount: { source: shown(source, mount.readOnly, room, opened), options: mount.readOnly ? ['rro'] : [] } }),
  };
}

/** Gives what opens it. What is written goes with the step. */
function shown({ tree, subpath }: MountSource, readOnly: boolean, { storage: { snapshots } }: StepRoom, opened: DisposableStack): () => Fd {
  const changes = readOnly ? undefined : opened.use(snapshots.scratch()).dir;
  if (changes !== undefined) for (const name of ['upper', 'work']) call('mkdirat', changes.number, name, 0o755);
  const { layers } = tree;
  if (layers !== undefined) return () => snapshots.openShown({ layers }, subpath, changes);
  const hidden = hiddenPaths(tree);
  const above = hidden.length === 0 ? [] : [opened.use(snapshots.scratch()).dir];
  for (const path of hidden) hide(tree.root, above[0]!, path);
  return () => snapshots.openShown({ dirs: [...above, tree.root] }, subpath, changes);
}

/** overlayfs takes a device 0:0 for the mark that there is nothing; directories are as the topmost layer has them. */
function hide(root: Fd, above: Fd, path: string): void {
  const names = path.split('/');
  for (let depth = 1; depth < names.length; depth++) {
    const parent = names.slice(0, depth).join('/');
    if (statIn(above, parent) !== undefined) continue;
    using below = openIn(root, parent, O.PATH | O.DIRECTORY, 'plain');
    call('mkdirat', above.number, parent, 0o700);
    call('fchmodat', above.number, parent, statFd(below).mode & 0o7777, 0);
  }
  call('mknodat', above.number, path, S.IFCHR, 0);
}

async function sourceOf({ source = '/' }: Mount, from: Base | undefined, room: StepRoom): Promise<MountSource> {
  const { signal, opened } = room;
  const tree = await room.treeOf(from);
  const path = posix.resolve('/', source);
  const found = await sourceAt(tree, path.slice(1) || '.', { opened, signal });
  if (found === undefined) throw fail('invalid', `failed to mount: ${JSON.stringify(path)}: not found`, { hint: tree.isContext ? 'Paths are relative to the context; .dockerignore may name it' : 'It is looked for in the stage or image that from= names' });
  const subpath = Buffer.from((findPlace(tree.root, path).parts.join('/')) as ByteString, 'latin1').toString('utf8');
  const content = from?.kind === 'image' ? keyOf(imageKey(from), tree.layers, subpath) : await digestOfSources([found], { withOwners: true, signal });
  return { tree, subpath, content };
}

async function cachePlan(mount: Mount, from: Base | undefined, destination: string, room: StepRoom): Promise<MountPlan> {
  const { id = destination, sharing = 'shared', mode, uid, gid, readOnly } = mount;
  const source = from === undefined ? undefined : await sourceOf(mount, from, room);
  const key = keyOf('cache', id, source?.content, mode, uid, gid);
  const fill = async (dir: Fd): Promise<void> => {
    if (source !== undefined) await fillFrom(source, dir, room);
    if (uid !== undefined || gid !== undefined) call('fchown', dir.number, uid ?? 0, gid ?? 0);
    if (mode !== undefined) call('fchmod', dir.number, mode);
  };
  return {
    keyParts: ['cache', destination, id, sharing, source?.content, mode, uid, gid, readOnly], destination, order: key,
    open: async (_opened, lease) => {
      const dir = await lease({ key, what: `cached mount ${destination}, id ${id}`, sharing, fill });
      return { mount: { source: () => cloneMount(dir, false), options: readOnly ? ['rro'] : [] } };
    },
  };
}

async function fillFrom(source: MountSource, dir: Fd, room: StepRoom): Promise<void> {
  using opened = new DisposableStack();
  const from = opened.use(shown(source, true, room, opened)());
  const { mode, uid, gid } = statFd(from);
  if (!isDirectory(statFd(from))) throw fail('invalid', 'A cache cannot begin with a file', { hint: 'source= is a directory' });
  await copyTree(from, dir, 'caches', { signal: room.signal });
  call('fchown', dir.number, uid, gid);
  call('fchmod', dir.number, mode & 0o7777);
}
