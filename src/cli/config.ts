// The user's own settings: Docker's config.json, in --config, DOCKER_CONFIG or ~/.docker. Read when first asked; what is not known here stays
// as it is when something is changed.
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/index.ts';
import { Exit } from './errors.ts';

/** The settings that commands look at; each is a text. */
export type Setting = 'currentContext' | 'detachKeys' | 'imagesFormat' | 'networksFormat' | 'psFormat' | 'statsFormat' | 'volumesFormat';

export interface ClientConfig {
  readonly dir: string;
  /** undefined when it is not set. */
  setting(name: Setting): string | undefined;
  /** What `proxies` says of containers made on that daemon: environment variables, in capitals and in small letters. */
  proxies(host: string): Readonly<Record<string, string>>;
  /** undefined takes it away. @throws Exit rather than overwrite a file that was not understood */
  change(name: Setting, value: string | undefined): void;
  /** A part that is no text (`auths`, `credHelpers`), as it is in the file. */
  part(name: string): unknown;
  /** Changes a part by what it is at this moment in the file: others may have written meanwhile. undefined takes it away. @throws as `change` */
  changePart(name: string, change: (value: unknown) => object | undefined): void;
}

const fileName = 'config.json';

const proxyVariables = { httpProxy: 'HTTP_PROXY', httpsProxy: 'HTTPS_PROXY', noProxy: 'NO_PROXY', ftpProxy: 'FTP_PROXY', allProxy: 'ALL_PROXY' } as const;

/** `complain` is told of a file that cannot be understood, once; the settings are then as if there was none. */
export function openConfig(dir: string, complain: (line: string) => void): ClientConfig {
  const path = join(dir, fileName);
  let known: Readonly<Record<string, unknown>> | undefined;
  let isBroken = false;
  const read = (): Readonly<Record<string, unknown>> => known ??= parse(path, (line) => {
    isBroken = true;
    complain(line);
  });
  return {
    dir,
    setting: (name) => {
      const value = read()[name];
      if (value === undefined || typeof value === 'string') return value || undefined;
      complain(`WARNING: Error parsing config file (${path}): ${name}: expected a text`);
      return undefined;
    },
    proxies: (host) => {
      const all = objectOf(read().proxies);
      return proxyEnvironment(objectOf(all[host] ?? all.default));
    },
    change: (name, value) => {
      const { [name]: _, ...others } = read();
      if (isBroken) throw new Exit(1, `Cannot write ${path}: it cannot be understood as it is; repair it first`);
      known = value === undefined ? others : { ...others, [name]: value };
      write(dir, path, known);
    },
    part: (name) => read()[name],
    changePart: (name, change) => {
      known = undefined;
      const { [name]: before, ...others } = read();
      if (isBroken) throw new Exit(1, `Cannot write ${path}: it cannot be understood as it is; repair it first`);
      const value = change(before);
      known = value === undefined ? others : { ...others, [name]: value };
      write(dir, path, known);
    },
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
}

function proxyEnvironment(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(proxyVariables).flatMap(([name, variable]) => {
    const value = settings[name];
    return typeof value === 'string' && value !== '' ? [[variable, value], [variable.toLowerCase(), value]] : [];
  }));
}

function parse(path: string, complain: (line: string) => void): Readonly<Record<string, unknown>> {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') complain(`WARNING: Error loading config file: ${messageOf(error)}`);
    return {};
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    complain(`WARNING: Error parsing config file (${path}): expected an object`);
  } catch (error) {
    complain(`WARNING: Error parsing config file (${path}): ${messageOf(error)}`);
  }
  return {};
}

/** Whoever reads meanwhile sees the old file or the new one. It may hold secrets of Docker's: it is the user's alone. */
function write(dir: string, path: string, value: object): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const making = `${path}.${process.pid}`;
  writeFileSync(making, JSON.stringify(value, undefined, '\t'), { mode: 0o600 });
  chmodSync(making, 0o600);
  renameSync(making, path);
}
