// `HostConfig.Mounts`: what --mount asks for. Pure. The rules, their order and the words of refusals are dockerd's.
import { posix } from 'node:path';
import { fail, isFail } from '../../base/index.ts';
import type { MountRequest } from '../../spec/docker/mount.ts';
import { cleanSource } from './binds.ts';
import { parseDestination } from './destination.ts';
import { propagations, type BindPoint, type Propagation } from './point.ts';
import { tmpfsOptionsOf } from './tmpfs.ts';
import { parseIdMaps } from './words.ts';
import type { MountWish } from './wish.ts';

/** @throws `invalid` */
export function parseMountRequest(request: MountRequest): MountWish {
  refuseOthersOptions(request);
  try {
    const wishOf = wishes.get(request.Type);
    if (wishOf === undefined) throw fail('invalid', 'mount type unknown', { hint: 'Known here: bind, volume, tmpfs, image' });
    if (request.Target === undefined) throw missing('Target');
    return wishOf(request, parseDestination(request.Target));
  } catch (error) {
    if (!isFail(error, 'invalid')) throw error;
    throw fail('invalid', `invalid mount config for type "${request.Type.slice(0, 100)}": ${error.message}`, { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) });
  }
}

const optionsOf: ReadonlyMap<string, keyof MountRequest> = new Map([['bind', 'BindOptions'], ['volume', 'VolumeOptions'], ['tmpfs', 'TmpfsOptions'], ['image', 'ImageOptions']]);

/** Options of another type than the mount's. dockerd refuses most of them before it looks at anything else. */
function refuseOthersOptions(request: MountRequest): void {
  const own = optionsOf.get(request.Type);
  for (const name of ['BindOptions', 'VolumeOptions', 'TmpfsOptions', 'ClusterOptions'] as const) {
    if (own !== undefined && name !== own && request[name] !== undefined) throw fail('invalid', `${name} must not be specified on mount type "${request.Type}"`);
  }
}

const wishes: ReadonlyMap<string, (request: MountRequest, destination: string) => MountWish> = new Map([['bind', bindWish], ['volume', volumeWish], ['tmpfs', tmpfsWish], ['image', imageWish]]);

function bindWish(request: MountRequest, destination: string): MountWish {
  const { Source, ReadOnly = false, BindOptions = {}, ImageOptions } = request;
  if (Source === undefined) throw missing('Source');
  const propagation = parsePropagation(BindOptions.Propagation);
  if (ImageOptions !== undefined) throw extra('ImageOptions');
  if (!Source.startsWith('/')) throw fail('invalid', `invalid mount path: '${Source.slice(0, 200)}' mount path must be absolute`);
  const { NonRecursive = false, CreateMountpoint = false, ReadOnlyNonRecursive = false, ReadOnlyForceRecursive = false } = BindOptions;
  if (ReadOnlyNonRecursive && ReadOnlyForceRecursive) throw fail('invalid', 'mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
  const point: BindPoint = {
    type: 'bind', source: cleanSource(Source), destination, mode: '', rw: !ReadOnly, readOnlyBelow: ReadOnly && !ReadOnlyNonRecursive, isRecursive: !NonRecursive,
    createsSource: CreateMountpoint, propagation: propagation ?? 'rprivate', propagationAsked: propagation !== undefined, ...ownOptions(request),
  };
  return { point };
}

function parsePropagation(word: string | undefined): Propagation | undefined {
  if (word === undefined) return undefined;
  if (!(propagations as readonly string[]).includes(word)) throw fail('invalid', `invalid propagation mode: ${word.slice(0, 100)}`);
  return word as Propagation;
}

function volumeWish(request: MountRequest, destination: string): MountWish {
  const { Source = '', ReadOnly = false, VolumeOptions: { NoCopy = false, Labels, Subpath = '', DriverConfig = {} } = {}, ImageOptions } = request;
  if (ImageOptions !== undefined) throw extra('ImageOptions');
  if (Source === '' && ReadOnly) throw fail('invalid', 'must not set ReadOnly mode when using anonymous volumes');
  if (Source === '' && Subpath !== '') throw fail('invalid', 'must not set Subpath when using anonymous volumes');
  return {
    point: {
      type: 'volume', name: Source, source: '', destination, mode: 'z', rw: !ReadOnly, readOnlyBelow: ReadOnly, isAnonymous: Source === '', copiesUp: !NoCopy,
      subpath: parseSubpath(Subpath), ...ownOptions(request),
    },
    volume: { name: Source, driver: DriverConfig.Name ?? '', options: DriverConfig.Options ?? null, labels: Labels ?? null },
  };
}

function tmpfsWish(request: MountRequest, destination: string): MountWish {
  if (request.ImageOptions !== undefined) throw extra('ImageOptions');
  if (request.Source !== undefined) throw extra('Source');
  refuseOwnOptions(request);
  return { point: { type: 'tmpfs', destination, mode: '', rw: request.ReadOnly !== true, options: tmpfsOptionsOf(request) } };
}

function imageWish(request: MountRequest, destination: string): MountWish {
  const { Source = '', ImageOptions: { Subpath = '' } = {} } = request;
  if (Source === '') throw missing('Source');
  refuseOwnOptions(request);
  return { point: { type: 'image', destination, mode: '', rw: false, name: Source, imageId: '' as never, layers: [], subpath: parseSubpath(Subpath) } };
}

/** Within its volume or image, whatever links are there: that is the kernel's to see to at the start. */
function parseSubpath(path: string): string {
  if (path === '') return '';
  const clean = posix.normalize(path).replace(/\/$/, '');
  if (path.startsWith('/') || clean === '..' || clean.startsWith('../') || path.includes('\0')) throw fail('invalid', 'subpath must be a relative path within the volume');
  return clean === '.' ? '' : clean;
}

function ownOptions({ IdMap, Chown = false, Overlay = false }: MountRequest): Pick<BindPoint, 'idMaps' | 'chown' | 'overlay'> {
  return { ...(IdMap === undefined ? {} : { idMaps: parseIdMaps(IdMap) }), chown: Chown, overlay: Overlay };
}

function refuseOwnOptions(request: MountRequest): void {
  for (const name of ['IdMap', 'Chown', 'Overlay'] as const) if (request[name] !== undefined) throw extra(name);
}

const missing = (field: string): Error => fail('invalid', `field ${field} must not be empty`);
const extra = (field: string): Error => fail('invalid', `field ${field} must not be specified`);
