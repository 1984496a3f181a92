// `-v`, `--mount` and their kin: from flags to what Docker's client sends for them. Podman's `idmap`, `chown` (or `U`) and `overlay` (or `O`) besides.
import { resolve } from 'node:path';
import type { CreateBody } from '../../client/index.ts';
import type { MountRequest } from '../../spec/docker/mount.ts';
import { Complaint } from '../errors.ts';
import { FlagError } from '../flags.ts';
import { parseBinarySize } from '../units.ts';
import { pair } from './values.ts';

export interface MountValues {
  readonly volume: readonly string[];
  readonly mount: readonly MountRequest[];
  readonly 'volumes-from': readonly string[];
  readonly 'volume-driver': string | undefined;
}

type MountParts = Pick<CreateBody['HostConfig'], 'Binds' | 'Mounts' | 'VolumesFrom' | 'VolumeDriver'>;

/** A place alone is a volume of the container's configuration; what has a source is the host's. @throws Complaint */
export function mountsOf(values: MountValues, workingDir: string): { readonly volumes: Readonly<Record<string, object>>; readonly host: MountParts } {
  const given = [...new Set(values.volume)].map((text) => ({ text, parts: text.split(':') }));
  for (const { text, parts } of given) if (parts[0] === '' || (parts.length > 1 && parts.at(-1) === '')) throw new Complaint(text === '' ? 'invalid empty volume spec' : `invalid spec: ${text}: empty section between colons`);
  const binds = given.filter(({ parts }) => parts.length > 1).map(({ parts: [source = '', ...rest] }) => [hostPath(source, workingDir), ...rest].join(':'));
  return {
    volumes: Object.fromEntries(given.filter(({ parts }) => parts.length === 1).map(({ text }) => [text, {}])),
    host: {
      Binds: binds.length === 0 ? null : binds,
      ...(values.mount.length === 0 ? {} : { Mounts: values.mount }),
      VolumesFrom: values['volumes-from'].length === 0 ? null : values['volumes-from'],
      VolumeDriver: values['volume-driver'] ?? '',
    },
  };
}

/** `.`, `./x` and `..` are from here; anything else that is no absolute path is a name. */
function hostPath(source: string, workingDir: string): string {
  return source.startsWith('.') ? resolve(workingDir, source) : source;
}

type Draft = { -readonly [K in keyof MountRequest]: MountRequest[K] };

/** One `--mount`. @throws FlagError in the words of Docker's client */
export function mountOption(text: string): MountRequest {
  const mount: Draft = { Type: 'volume' };
  for (const field of fieldsOf(text)) {
    const at = field.indexOf('=');
    if (at < 0) setAlone(mount, field);
    else set(mount, field.slice(0, at).toLowerCase(), field.slice(at + 1), field);
  }
  check(mount);
  return mount;
}

/** One record of comma-separated values; a field in quotes may have commas in it, and quotes written twice. Source: RFC 4180. */
function fieldsOf(text: string): readonly string[] {
  if (text === '') throw new FlagError('EOF');
  const fields: string[] = [];
  for (let at = 0; at <= text.length;) {
    const isQuoted = text[at] === '"';
    const match = isQuoted ? /"((?:[^"]|"")*)"(?=,|$)/y : /[^,"]*(?=,|$)/y;
    match.lastIndex = at;
    const found = match.exec(text);
    if (found === null) throw new FlagError(isQuoted ? `parse error on line 1, column ${text.length + 1}: extraneous or missing " in quoted-field` : `parse error on line 1, column ${text.indexOf('"', at) + 1}: bare " in non-quoted-field`);
    fields.push(isQuoted ? found[1]!.replaceAll('""', '"') : found[0]);
    at += found[0].length + 1;
  }
  return fields;
}

const truths: ReadonlyMap<string, boolean> = new Map([...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true] as const), ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false] as const)]);

function truth(key: string, value: string): boolean {
  const found = truths.get(value);
  if (found === undefined) throw new FlagError(`invalid value for ${key}: ${value}`);
  return found;
}

/** Keys that stand alone for `=true`. */
const alone = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-src', 'chown', 'u', 'overlay', 'o']);

function setAlone(mount: Draft, field: string): void {
  const key = field.toLowerCase();
  if (key === 'idmap') throw new FlagError('idmap needs a map: idmap=uids=0-1000-1;gids=0-1000-1 shows the ids from 0 on as those from 1000 on, one of them');
  if (!alone.has(key)) throw new FlagError(`invalid field '${field}' must be a key=value pair`);
  set(mount, key, 'true', field);
}

function set(mount: Draft, key: string, value: string, field: string): void {
  const setter = Object.hasOwn(setters, key) ? setters[key] : undefined;
  if (setter === undefined) throw new FlagError(`unexpected key '${key}' in '${field}'`);
  setter(mount, value, key);
}

const bind = (mount: Draft, options: MountRequest['BindOptions']): void => { mount.BindOptions = { ...mount.BindOptions, ...options }; };
const volume = (mount: Draft, options: MountRequest['VolumeOptions']): void => { mount.VolumeOptions = { ...mount.VolumeOptions, ...options }; };
const tmpfs = (mount: Draft, options: MountRequest['TmpfsOptions']): void => { mount.TmpfsOptions = { ...mount.TmpfsOptions, ...options }; };
const source = (mount: Draft, value: string): void => { mount.Source = value === '.' || value.startsWith('./') || value.startsWith('../') || value === '..' ? resolve(value) : value; };
const target = (mount: Draft, value: string): void => { mount.Target = value; };
const readOnly = (mount: Draft, value: string, key: string): void => { mount.ReadOnly = truth(key, value); };
const chown = (mount: Draft, value: string, key: string): void => { mount.Chown = truth(key, value); };
const overlay = (mount: Draft, value: string, key: string): void => { mount.Overlay = truth(key, value); };

const setters: Readonly<Record<string, (mount: Draft, value: string, key: string) => void>> = {
  type: (mount, value) => { mount.Type = value.toLowerCase(); },
  source, src: source,
  target, dst: target, destination: target,
  readonly: readOnly, ro: readOnly,
  consistency: (mount, value) => { mount.Consistency = value.toLowerCase(); },
  'bind-propagation': (mount, value) => bind(mount, { Propagation: value.toLowerCase() }),
  'bind-nonrecursive': (mount, value, key) => bind(mount, { NonRecursive: truth(key, value) }),
  'bind-recursive': (mount, value, key) => bind(mount, recursion(key, value)),
  'bind-create-src': (mount, value, key) => bind(mount, { CreateMountpoint: truth(key, value) }),
  'volume-subpath': (mount, value) => volume(mount, { Subpath: value }),
  'volume-nocopy': (mount, value, key) => volume(mount, { NoCopy: truth(key, value) }),
  'volume-label': (mount, value) => volume(mount, { Labels: { ...mount.VolumeOptions?.Labels, ...named(value) } }),
  'volume-driver': (mount, value) => volume(mount, { DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Name: value } }),
  'volume-opt': (mount, value) => volume(mount, { DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Options: { ...mount.VolumeOptions?.DriverConfig?.Options, ...named(value) } } }),
  'image-subpath': (mount, value) => { mount.ImageOptions = { Subpath: value }; },
  'tmpfs-size': (mount, value, key) => tmpfs(mount, { SizeBytes: sizeOf(key, value) }),
  'tmpfs-mode': (mount, value, key) => tmpfs(mount, { Mode: modeOf(key, value) }),
  idmap: (mount, value) => { mount.IdMap = value; },
  chown, u: chown,
  overlay, o: overlay,
};

function named(value: string): Readonly<Record<string, string>> {
  return value === '' ? {} : Object.fromEntries([pair(value)]);
}

function recursion(key: string, value: string): MountRequest['BindOptions'] {
  switch (value) {
    case 'enabled': return {};
    case 'disabled': return { NonRecursive: true };
    case 'writable': return { ReadOnlyNonRecursive: true };
    case 'readonly': return { ReadOnlyForceRecursive: true };
    default: throw new FlagError(`invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`);
  }
}

function sizeOf(key: string, value: string): number {
  const size = parseBinarySize(value);
  if (size === undefined) throw new FlagError(`invalid value for ${key}: ${value}`);
  return size;
}

function modeOf(key: string, value: string): number {
  if (!/^[0-7]{1,11}$/.test(value)) throw new FlagError(`invalid value for ${key}: ${value}`);
  return Number.parseInt(value, 8);
}

function check({ Type, Target, ReadOnly = false, ...options }: Draft): void {
  if (Type === '') throw new FlagError('type is required');
  if (Target === undefined || Target === '') throw new FlagError('target is required');
  for (const [type, field] of [['volume', 'VolumeOptions'], ['bind', 'BindOptions'], ['image', 'ImageOptions'], ['tmpfs', 'TmpfsOptions']] as const) {
    if (options[field] !== undefined && Type !== type) throw new FlagError(`cannot mix '${type}-*' options with mount type '${Type}'`);
  }
  const { ReadOnlyNonRecursive = false, ReadOnlyForceRecursive = false, Propagation } = options.BindOptions ?? {};
  const requires = (word: string, what: string): FlagError => new FlagError(`option 'bind-recursive=${word}' requires '${what}' to be specified in conjunction`);
  if (ReadOnlyNonRecursive && !ReadOnly) throw requires('writable', 'readonly');
  if (ReadOnlyForceRecursive && !ReadOnly) throw requires('readonly', 'readonly');
  if (ReadOnlyForceRecursive && Propagation !== 'rprivate') throw requires('readonly', 'bind-propagation=rprivate');
}
