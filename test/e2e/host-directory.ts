// A directory of the host that tests put things into and mount. A dockerd that lives in a root of its own (ESTIVA_E2E_DOCKERD_ROOT) calls it by another
// path than the test does.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { EngineUnderTest } from './engine.ts';

export interface HostDirectory extends Disposable {
  /** As the test reaches it. */
  here(path: string): string;
  /** As the engine does. */
  there(path: string): string;
}

export function hostDirectory(engine: EngineUnderTest, name: string): HostDirectory {
  const root = engine.ours ? '' : process.env.ESTIVA_E2E_DOCKERD_ROOT ?? '';
  const parent = `${root}${root === '' ? tmpdir() : '/tmp'}`;
  mkdirSync(parent, { recursive: true });
  const dir = mkdtempSync(`${parent}/estiva-${name}-`);
  const at = (base: string, path: string): string => (path === '.' ? base : `${base}/${path}`);
  return { here: (path) => at(dir, path), there: (path) => at(dir.slice(root.length), path), [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}
