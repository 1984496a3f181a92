// Contexts: names for daemons, in Docker's own files, so that both command lines have the same ones:
//
//   contexts/meta/<sha256 of the name>/meta.json     {"Name":…,"Metadata":{…},"Endpoints":{"docker":{"Host":…}}}
//   contexts/tls/<sha256 of the name>/docker/        ca.pem, cert.pem, key.pem: for its owner alone
//
// `default` is no file: it is what -H and the environment say.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { Exit } from '../errors.ts';
import { tlsFileNames, type TlsFiles } from './tls.ts';

export interface Endpoint {
  readonly Host?: string;
  readonly SkipTLSVerify: boolean;
}

/** As meta.json has it. */
export interface Context {
  readonly Name: string;
  readonly Metadata: Readonly<Record<string, unknown>>;
  readonly Endpoints: { readonly docker?: Endpoint };
}

export const defaultName = 'default';

export interface ContextStore {
  /** By name. Files that cannot be understood are complained about. */
  list(): readonly Context[];
  has(name: string): boolean;
  /** @throws Exit in Docker's words. */
  get(name: string): Context;
  /** `files`: in place of those that it had; undefined: as they are. */
  put(context: Context, files?: TlsFiles): void;
  /** Its keys. */
  tls(name: string): TlsFiles;
  remove(name: string): void;
  readonly paths: (name: string) => { readonly meta: string; readonly tls: string };
}

export function openContexts(configDir: string): ContextStore {
  const root = join(configDir, 'contexts');
  const paths = (name: string): { readonly meta: string; readonly tls: string } => {
    // Loaded when there is a context to look for: at the top it would cost every command ten milliseconds.
    const { createHash } = process.getBuiltinModule('node:crypto');
    const key = createHash('sha256').update(name).digest('hex');
    return { meta: join(root, 'meta', key), tls: join(root, 'tls', key) };
  };
  return {
    paths,
    has: (name) => existsSync(join(paths(name).meta, 'meta.json')),
    list: () => {
      const meta = join(root, 'meta');
      const found = existsSync(meta) ? readdirSync(meta).map((key) => join(meta, key, 'meta.json')).filter((file) => existsSync(file)) : [];
      return found.map((file) => parseContext(readFileSync(file, 'utf8'), file)).toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
    },
    get: (name) => {
      const file = join(paths(name).meta, 'meta.json');
      if (!existsSync(file)) throw new Exit(1, `context ${JSON.stringify(name)}: context not found: open ${file}: no such file or directory`);
      return parseContext(readFileSync(file, 'utf8'), file);
    },
    tls: (name) => {
      const dir = join(paths(name).tls, 'docker');
      return Object.fromEntries(tlsFileNames.filter((file) => existsSync(join(dir, file))).map((file) => [file, readFileSync(join(dir, file))]));
    },
    put: (context, files) => {
      const { meta, tls } = paths(context.Name);
      if (files !== undefined) putKeys(tls, files);
      mkdirSync(meta, { recursive: true, mode: 0o755 });
      writeFileSync(join(meta, `meta.json.${process.pid}`), JSON.stringify(context), { mode: 0o644 });
      renameSync(join(meta, `meta.json.${process.pid}`), join(meta, 'meta.json'));
    },
    remove: (name) => {
      const { meta, tls } = paths(name);
      for (const directory of [meta, tls]) rmSync(directory, { recursive: true, force: true });
    },
  };
}

function putKeys(dir: string, files: TlsFiles): void {
  rmSync(dir, { recursive: true, force: true });
  if (Object.keys(files).length === 0) return;
  mkdirSync(join(dir, 'docker'), { recursive: true, mode: 0o700 });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, 'docker', name), bytes, { mode: 0o600 });
}

/** `where` is for the complaint. @throws Exit */
export function parseContext(text: string, where: string): Context {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Exit(1, `parsing ${where}: ${messageOf(error)}`);
  }
  const { Name, Metadata, Endpoints } = recordOf(value);
  if (typeof Name !== 'string') throw new Exit(1, `parsing ${where}: it has no name`);
  const docker = recordOf(recordOf(Endpoints)['docker']);
  const { Host, SkipTLSVerify } = docker;
  const endpoint: Endpoint = { ...(typeof Host === 'string' ? { Host } : {}), SkipTLSVerify: SkipTLSVerify === true };
  return { Name, Metadata: recordOf(Metadata), Endpoints: Object.keys(docker).length === 0 ? {} : { docker: endpoint } };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {};
}

/** @throws Exit in Docker's words. */
export function checkNewName(store: ContextStore, name: string): void {
  if (name === defaultName) throw new Exit(1, `"${defaultName}" is a reserved context name`);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(name)) throw new Exit(1, `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`);
  if (store.has(name)) throw new Exit(1, `context ${JSON.stringify(name)} already exists`);
}
