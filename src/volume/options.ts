// What the options of a local volume mean, in dockerd's words where it refuses them: `type`, `device` and `o` are those of mount(8), `size` is a quota.
import { fail } from '../base/index.ts';
import type { VolumeRecord } from './volume.ts';

const known: readonly string[] = ['type', 'o', 'device', 'size'];

export type Backing =
  /** A directory of its own below the data root. */
  | { readonly kind: 'own' }
  /** A directory of the host. Nothing is mounted on the host for it. */
  | { readonly kind: 'bind'; readonly path: string };

/** @throws `invalid` in dockerd's words */
export function checkOptions(name: string, options: VolumeRecord['options']): void {
  const refuse = (message: string, hint?: string): never => { throw fail('invalid', `create ${name}: ${message}`, hint === undefined ? {} : { hint }); };
  if (options === null) return;
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) refuse(`invalid option: ${JSON.stringify(unknown.slice(0, 100))}`, `A local volume has the options ${known.join(', ')}`);
  const { type = '', device = '', o = '' } = options;
  if (options['size'] !== undefined) refuse('quota size requested but no quota support');
  if (device === '' && (type !== '' || o !== '')) refuse('missing required option: "device"');
  if (device !== '' && type === '') refuse('missing required option: "type"');
  if (device !== '' && !isBind(options)) throw fail('unsupported', `create ${name}: volumes of type ${JSON.stringify(type)} are not there yet`, { hint: 'A directory of the host is: type=none, o=bind, device=/path' });
}

export function backingOf({ options }: VolumeRecord): Backing {
  const { device = '' } = options ?? {};
  return options !== null && isBind(options) ? { kind: 'bind', path: device } : { kind: 'own' };
}

function isBind({ device = '', type = '', o = '' }: Readonly<Record<string, string>>): boolean {
  return device !== '' && (type === 'none' || type === 'bind' || type === '') && o.split(',').some((word) => word === 'bind' || word === 'rbind');
}
