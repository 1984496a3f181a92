// What a volume's options name, mounted upon its directory on the host, as dockerd does, and private there: when the first user comes, until the last
// is gone. Whether it is mounted the kernel knows; a crash leaves nothing that reconcile() would not see.
//
// A server that does not answer can hold up mount(2) for minutes: whatever is not in memory is mounted in a worker.
import { Worker } from 'node:worker_threads';
import { fail } from '../base/index.ts';
import { errnoSentence, MNT_DETACH, mountNow, parseMountOptions, tryCall } from '../kernel/index.ts';
import { isNetworkFileSystem, withResolvedAddress } from './address.ts';
import type { Backing } from './options.ts';
import type { MountTask } from './mount-worker.ts';
import type { Room } from './room.ts';

type MountBacking = Extract<Backing, { kind: 'mount' }>;

// Beside this file in the sources; beside the bundle in what ships.
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './mount-worker.ts' : './mount-worker.cjs', import.meta.url);

/** Idempotent. @throws `internal` with dockerd's words */
export async function mountVolume({ trees }: Room, name: string, backing: MountBacking): Promise<void> {
  if (trees.isMounted(name)) return;
  const path = trees.pathOf(name);
  const options = await withResolvedAddress(backing, (message) => failure(path, message));
  const { flags, data, propagation } = parseMountOptions(options);
  const task: MountTask = { device: backing.device, path, type: backing.type, flags, data, propagation };
  const code = backing.type === 'tmpfs' ? mountNow(task) : await mountInWorker(task);
  if (code !== undefined) throw explain(task, code);
}

/** Gone from its place at once; the kernel lets go of it when nobody has a file of it open. Idempotent. */
export function unmountVolume({ trees }: Room, name: string): void {
  // More than once: somebody may have mounted upon it by hand, or twice.
  while (trees.isMounted(name)) {
    const result = tryCall('umount2', trees.pathOf(name), MNT_DETACH);
    if (result < 0) throw fail('internal', `Cannot unmount ${JSON.stringify(trees.pathOf(name))}: errno ${-result}`);
  }
}

function explain({ device, path, type, flags, data }: MountTask, code: string): Error {
  const parts = [`mount ${device}:${path}`, ...flags === 0 ? [] : [`flags: 0x${flags.toString(16)}`], ...data === '' ? [] : [`data: ${withoutPassword(data)}`]];
  const hint = code === 'ENODEV' ? `This kernel has no file system ${type}${isNetworkFileSystem(type) ? `: load its module first (modprobe ${type.replace(/\d$/, '')})` : ''}` : undefined;
  return failure(path, `failed to mount local volume: ${parts.join(', ')}: ${errnoSentence(code)}`, hint);
}

function failure(path: string, message: string, hint?: string): Error {
  return fail('internal', `error while mounting volume '${path}': ${message}`, hint === undefined ? {} : { hint });
}

function withoutPassword(data: string): string {
  return data.replace(/(^|,)password=[^,]*/g, '$1password=********');
}

async function mountInWorker(task: MountTask): Promise<string | undefined> {
  const worker = new Worker(workerFile, { workerData: task, execArgv: ['--disable-warning=ExperimentalWarning'], resourceLimits: { maxYoungGenerationSizeMb: 3 } });
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  worker.on('message', resolve);
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`The mounting worker ended without a result (${code})`)));
  return promise;
}
