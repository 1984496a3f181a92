// `--init`: a process 1 that is ours and not the program. It is a file of the data root, written when the first container wants it, and shown
// inside as /sbin/docker-init, the name that people know from dockerd; read-only, so that no container can change it for another.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostArchitecture, initExecutable } from '../kernel/index.ts';
import type { HostConfig } from '../spec/docker/container.ts';
import type { Mount } from '../spec/oci/runtime.ts';

const inside = '/sbin/docker-init';

/** In a pid namespace that is shared, process 1 is somebody else: there is nothing for an init to do. */
export function hasInit({ Init, PidMode }: HostConfig): boolean {
  return Init === true && PidMode === '';
}

export function initArguments(args: readonly string[]): readonly string[] {
  return [inside, '--', ...args];
}

export function initMount(rootDir: string): Mount {
  return { destination: inside, type: 'bind', source: pathIn(rootDir), options: ['bind', 'ro'] };
}

/** An older engine's is replaced: containers that run keep theirs. */
export function ensureInit(rootDir: string): void {
  const bytes = initExecutable(hostArchitecture());
  const path = pathIn(rootDir);
  if (readOr(path)?.equals(bytes) === true) return;
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, bytes, { mode: 0o555 });
  renameSync(fresh, path);
}

function pathIn(rootDir: string): string {
  return `${rootDir}/docker-init`;
}

function readOr(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
