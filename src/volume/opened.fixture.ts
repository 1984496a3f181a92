// Volumes in a data root of their own, for tests: users are what the test says, happenings are kept.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parseContainerId, type ContainerId } from '../base/index.ts';
import { openStorage } from '../storage/index.ts';
import { openVolumes, type VolumeHappening, type Volumes, type VolumeUser, type VolumeWish } from './index.ts';

export const wish = (name: string, more: Partial<VolumeWish> = {}): VolumeWish => ({ name, driver: '', options: null, labels: null, ...more });

export const idOf = (digit: string): ContainerId => parseContainerId(digit.repeat(64));

/** Files of a volume are read through a mount of their own. */
export const needsRoot = { skip: process.getuid?.() === 0 ? false : 'needs root' };

export interface Opened extends AsyncDisposable {
  readonly volumes: Volumes;
  readonly told: VolumeHappening[];
  readonly users: Map<string, readonly VolumeUser[]>;
}

export async function open(root: string): Promise<Opened> {
  const storage = await openStorage({ rootDir: root });
  const told: VolumeHappening[] = [];
  const users = new Map<string, readonly VolumeUser[]>();
  const volumes = openVolumes({ storage, usersOf: (name) => users.get(name) ?? [], tell: (happening) => told.push(happening) });
  return { volumes, told, users, [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose]() };
}

export function newDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-volumes-'));
  t.after(() => { rmSync(dir, { recursive: true, force: true }); });
  return dir;
}

export function newRoot(t: TestContext): string {
  return join(newDir(t), 'root');
}
