// The daemon's settings in a file: /etc/estiva/daemon.json, or what --config-file names. Docker's keys, so that a daemon.json can be brought along.
//
// A key is a flag under another name: what the file says is what the flag would have said. Said twice and differently, it is refused: nobody should have
// to guess which one counts. The environment (ESTIVA_ROOT …) goes before the file without a word: it is how a second engine is told apart.
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { decode, fail, isFail, type EstivaError } from '../base/index.ts';
import { bytes } from './create/values.ts';

export const defaultDaemonFile = '/etc/estiva/daemon.json';

type Given = Readonly<Record<string, unknown>>;

interface Key {
  /** Whose value it is. */
  readonly flag: string;
  readonly read: decode.Decode<unknown>;
  /** Goes before the file. */
  readonly variable?: string;
}

const keys: Readonly<Record<string, Key>> = {
  'data-root': { flag: 'root', read: decode.text, variable: 'ESTIVA_ROOT' },
  'exec-root': { flag: 'run', read: decode.text, variable: 'ESTIVA_RUN' },
  hosts: { flag: 'host', read: oneHost },
  debug: { flag: 'debug', read: decode.flag },
  'log-level': { flag: 'log-level', read: decode.text },
  'registry-mirrors': { flag: 'registry-mirror', read: decode.list(decode.text), variable: 'ESTIVA_REGISTRY_MIRRORS' },
  'insecure-registries': { flag: 'insecure-registry', read: decode.list(decode.text), variable: 'ESTIVA_INSECURE_REGISTRIES' },
  registry: { flag: 'registry', read: decode.text, variable: 'ESTIVA_REGISTRY' },
  'max-concurrent-downloads': { flag: 'max-concurrent-downloads', read: decode.integer },
  'max-concurrent-uploads': { flag: 'max-concurrent-uploads', read: decode.integer },
  'image-budget': { flag: 'image-budget', read: size },
  'default-runtime': { flag: 'default-runtime', read: decode.text },
  runtimes: { flag: 'add-runtime', read: runtimes },
};

/** Docker's keys for what is not there, or is as it is. */
const notHere: Readonly<Record<string, string>> = {
  'live-restore': 'containers always go on without the daemon', iptables: 'rules are the engine\'s own, and always made', 'userland-proxy': 'there is no proxy', 'storage-driver': 'there is one: overlayfs',
  proxies: 'set HTTP_PROXY, HTTPS_PROXY and NO_PROXY for the daemon', features: 'there are none to switch', pidfile: 'the data root\'s lock file holds the pid', 'containerd': 'there is none',
};

/**
 * `values` of the flags, and what the file says beside them. `path` undefined: the usual file, which need not be there.
 * @throws `invalid` for a file that cannot be understood, naming the key; for what is said twice and differently
 */
export function withDaemonFile<V extends Given>(values: V, { path, environment }: { readonly path: string | undefined; readonly environment: Readonly<Record<string, string | undefined>> }): V {
  const file = path ?? defaultDaemonFile;
  const settings = readSettings(file, path === undefined);
  return Object.entries(settings).reduce<V>((now, [name, value]) => {
    const key = keyOf(name, file);
    const said = within(file, () => key.read(value, name));
    if (isSaid(values[key.flag]) && !isDeepStrictEqual(values[key.flag], said)) throw unusable(file, `"${name}" is also given as --${key.flag}, and differently`, 'Say it once: take it out of the file, or leave the flag away');
    return key.variable !== undefined && (environment[key.variable] ?? '') !== '' ? now : { ...now, [key.flag]: said };
  }, values);
}

function readSettings(file: string, mayBeMissing: boolean): Given {
  let json: string;
  try {
    json = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (mayBeMissing && code === 'ENOENT') return {};
    throw unusable(file, code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'unknown error'})`);
  }
  return within(file, () => decode.decodeJson(json, decode.dictionary<unknown>((value) => value)));
}

function keyOf(name: string, file: string): Key {
  const key = keys[name];
  if (key !== undefined) return key;
  if (Object.hasOwn(notHere, name)) throw unusable(file, `"${name}" is not supported: ${notHere[name]}`, 'Take it out of the file');
  throw unusable(file, `"${name}" is no setting of the daemon`, `There are: ${Object.keys(keys).join(', ')}`);
}

function isSaid(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

function within<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isFail(error, 'invalid')) throw error;
    throw unusable(file, error.message);
  }
}

function unusable(file: string, why: string, hint?: string): EstivaError {
  return fail('invalid', `Cannot use the daemon's settings in ${file}: ${why}`, hint === undefined ? {} : { hint });
}

function oneHost(value: unknown, path: string): string | undefined {
  const hosts = decode.list(decode.text)(value, path);
  if (hosts.length > 1) throw fail('invalid', `${path}: one socket at most`);
  return hosts[0];
}

/** `20GB`, or bytes. */
function size(value: unknown, path: string): number {
  try {
    return bytes(String(value));
  } catch (error) {
    throw fail('invalid', `${path}: expected a size such as "20GB", not ${JSON.stringify(value)}`, { cause: error });
  }
}

/** `{ "crun": { "path": "/usr/bin/crun" } }` → what --add-runtime takes. @throws `invalid` for arguments, which no runtime gets from us */
function runtimes(value: unknown, path: string): readonly string[] {
  const given = decode.dictionary(decode.object<{ readonly path: string; readonly runtimeArgs: readonly string[] }>({ path: decode.text, runtimeArgs: decode.list(decode.text) }))(value, path);
  return Object.entries(given).map(([name, { path: program, runtimeArgs }]) => {
    if (program === '') throw fail('invalid', `${path}.${name}: expected the path of a program`);
    if (runtimeArgs.length > 0) throw fail('invalid', `${path}.${name}.runtimeArgs: arguments are not supported`);
    return `${name}=${program}`;
  });
}
