// Images that attack: a small busybox with whatever an attacker adds to its root, and a configuration of the attacker's choice.
import { readFileSync } from 'node:fs';
import { dockerArchive } from '../fixtures/busybox.ts';
import type { TarEntry } from '../fixtures/tar.ts';
import { tar } from '../fixtures/tar.ts';
import type { EngineUnderTest } from '../e2e/engine.ts';
import { succeeded } from '../e2e/engine.ts';

const applets = ['sh', 'ls', 'cat', 'id', 'mount', 'echo', 'stat', 'sleep', 'true', 'wc', 'readlink', 'head', 'mknod', 'mkfifo', 'mv', 'ln', 'rm', 'yes', 'seq', 'dd', 'kill', 'grep', 'cut', 'tr', 'env', 'chmod', 'find'];
const program = readFileSync('/bin/busybox');

export function root(...entries: readonly TarEntry[]): Buffer {
  return tar([
    { path: 'bin/', type: 'directory' }, { path: 'bin/busybox', mode: 0o755, data: program },
    ...applets.map((name): TarEntry => ({ path: `bin/${name}`, type: 'symlink', target: 'busybox' })),
    ...entries,
  ]);
}

/** A directory with its parents, as entries. */
export function directories(path: string): TarEntry[] {
  return path.split('/').map((_, i, parts) => ({ path: `${parts.slice(0, i + 1).join('/')}/`, type: 'directory' }));
}

/** Loads the image; its name. */
export async function bring(engine: EngineUnderTest, entries: readonly TarEntry[], config: Record<string, unknown> = {}): Promise<string> {
  const name = 'estiva-test/attacker:1';
  const archive = tar(dockerArchive({ name, layers: [root(...entries)], config: { Cmd: ['sh'], Env: ['PATH=/bin'], ...config } }));
  succeeded(await engine.docker(['load', '-q'], { input: archive }));
  return name;
}
