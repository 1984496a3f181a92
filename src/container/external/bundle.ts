// A container's bundle: its OCI configuration as another runtime reads it, and what else the two write for each other. It is there from before the
// start until the runtime has forgotten the container.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { ContainerId } from '../../base/index.ts';
import type { Mount, Seccomp, Spec } from '../../spec/oci/runtime.ts';
import type { HeldMount } from '../../runtime/index.ts';
import { sharedMemoryDir } from '../oci/mounts.ts';
import type { Room } from '../room.ts';
import type { ExternalRuntime } from './runtimes.ts';

export interface Bundle {
  readonly dir: string;
  /** Where another container's shared memory is mounted, for a container that joins its ipc namespace. */
  readonly sharedMemory: string;
}

export function bundleOf(room: Room, id: ContainerId): Bundle {
  const dir = `${room.storage.containerDir(id)}/bundle`;
  return { dir, sharedMemory: `${dir}/shm` };
}

/** The files of one call: of the container's start, or of an exec. */
export interface CallFiles {
  readonly log: string;
  readonly pidFile: string;
  readonly process: string;
  /** A name in the bundle. */
  readonly consoleSocket: string;
}

export function callFiles({ dir }: Bundle, name: string): CallFiles {
  return { log: `${dir}/${name}.log`, pidFile: `${dir}/${name}.pid`, process: `${dir}/${name}.json`, consoleSocket: `${name}.sock` };
}

/** What every call of the runtime begins with. What it remembers of containers lies in our run directory: engines do not meet there. */
export function callOf(room: Room, runtime: ExternalRuntime, log: string): readonly string[] {
  return [runtime.path, '--root', `${room.runDir}/runtimes/${runtime.name}`, '--log', log, '--log-format', 'json'];
}

export interface BundleFacts {
  /** Where the root file system will be mounted. */
  readonly rootPath: string;
  readonly seccomp: Seccomp | undefined;
  /** The shared memory is another container's. */
  readonly lendsMemory: boolean;
  /** Where sources that are held will be mounted. */
  readonly held: readonly (HeldMount & { readonly isFile: boolean })[];
}

/** Takes the place of an earlier start's. */
export function writeBundle(bundle: Bundle, spec: Spec, facts: BundleFacts): void {
  rmSync(bundle.dir, { recursive: true, force: true });
  mkdirSync(bundle.sharedMemory, { recursive: true, mode: 0o700 });
  for (const { onto } of facts.held.filter(({ isFile }) => isFile)) writeFileSync(onto, '');
  for (const { onto } of facts.held.filter(({ isFile }) => !isFile)) mkdirSync(onto);
  writeFileSync(`${bundle.dir}/config.json`, JSON.stringify(configurationOf(bundle, spec, facts)), { mode: 0o600 });
}

/** Other runtimes cut every mount off from where it came, unless the root as a whole is said to spread. */
function spreadOf(mounts: readonly Mount[]): Pick<Spec['linux'], 'rootfsPropagation'> {
  return mounts.some(({ options }) => options?.some((option) => option === 'shared' || option === 'rshared') === true) ? { rootfsPropagation: 'shared' } : {};
}

function configurationOf(bundle: Bundle, spec: Spec, { rootPath, seccomp, lendsMemory, held }: BundleFacts): Spec {
  const borrowed = (mount: Mount): Mount => {
    const source = held.find(({ destination }) => destination === mount.destination)?.onto ?? (lendsMemory && mount.destination === sharedMemoryDir ? bundle.sharedMemory : undefined);
    return source === undefined ? mount : { ...mount, source };
  };
  return {
    ...spec,
    // All that we ask for is in it since then; older runtimes refuse what names a newer one.
    ociVersion: '1.0.2',
    root: { ...spec.root, path: rootPath },
    mounts: spec.mounts.map(borrowed),
    linux: { ...spec.linux, ...(seccomp === undefined ? {} : { seccomp }), ...spreadOf(spec.mounts) },
  };
}
