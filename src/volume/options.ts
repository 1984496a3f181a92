// What the options of a local volume mean, in dockerd's words where it refuses them: `type`, `device` and `o` are those of mount(8), `size` is a quota.
import { fail } from '../base/index.ts';
import { MS, parseMountOptions } from '../kernel/index.ts';
import type { VolumeRecord } from './volume.ts';

const known: readonly string[] = ['type', 'o', 'device', 'size'];

export type Backing =
  /** A directory of its own below the data root. */
  | { readonly kind: 'own' }
  /** A directory of the host as it is: nothing has to be mounted on the host for it. */
  | { readonly kind: 'directory'; readonly path: string }
  /** Mounted upon its directory as long as somebody uses it. */
  | { readonly kind: 'mount'; readonly type: string; readonly device: string; readonly options: readonly string[] };

/** @throws `invalid` in dockerd's words */
export function checkOptions(name: string, options: VolumeRecord['options']): void {
  const refuse = (message: string, hint?: string): never => { throw fail('invalid', `create ${name}: ${message}`, hint === undefined ? {} : { hint }); };
  if (options === null) return;
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) refuse(`invalid option: ${JSON.stringify(unknown.slice(0, 100))}`, `A local volume has the options ${known.join(', ')}`);
  const { type = '', device = '', o = '', size } = options;
  if (size !== undefined) {
    if (!/^\d+(\.\d+)? ?([kmgtp]i?)?b?$/i.test(size)) refuse(`invalid size: '${size.slice(0, 100)}'`);
    refuse('quota size requested but no quota support', 'A tmpfs has a size: type=tmpfs, device=tmpfs, o=size=100m');
  }
  if (device === '' && (type !== '' || o !== '')) refuse('missing required option: "device"');
  if (device !== '' && type === '') refuse('missing required option: "type"');
}

export function backingOf({ options }: Pick<VolumeRecord, 'options'>): Backing {
  const { type = '', device = '', o = '' } = options ?? {};
  if (device === '') return { kind: 'own' };
  const words = o.split(',').filter((word) => word !== '');
  const { flags, cleared, propagation, data, recursive } = parseMountOptions(words);
  const isPlainBind = (flags & ~MS.REC) === MS.BIND && cleared === 0 && propagation === 0 && data === '' && recursive === undefined;
  return isPlainBind ? { kind: 'directory', path: device } : { kind: 'mount', type, device, options: words };
}
