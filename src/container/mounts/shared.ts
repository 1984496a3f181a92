// `rshared` and `rslave` are promises that only a source in a mount that spreads can keep.
import { realpathSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import { mountHolding, readMountinfo } from '../../kernel/index.ts';

/** @throws `invalid` in dockerd's words when the mount of `source` does not spread as `propagation` wants */
export function checkSpread(source: string, propagation: 'shared' | 'slave'): void {
  const { point, isShared, isSlave } = mountHolding(realpathSync(source), readMountinfo());
  if (isShared || (propagation === 'slave' && isSlave)) return;
  throw fail('invalid', `path ${source} is mounted on ${point} but it is not a shared${propagation === 'slave' ? ' or slave' : ''} mount`, { hint: `Make it one on the host: mount --make-rshared ${point}` });
}

export function spreads(source: string): boolean {
  const { isShared, isSlave } = mountHolding(realpathSync(source), readMountinfo());
  return isShared || isSlave;
}
