// Keys for a daemon behind TLS: files as Docker names them, in a context's directory or in that of DOCKER_CERT_PATH.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsSettings } from '../../client/index.ts';
import { openError } from '../create/files.ts';
import { Exit } from '../errors.ts';

/** Whom we believe; who we are. */
export const tlsFileNames = ['ca.pem', 'cert.pem', 'key.pem'] as const;
export type TlsFiles = { readonly [name in (typeof tlsFileNames)[number]]?: Buffer };

/** Of the command line; undefined: not given. */
export interface TlsFlags {
  readonly tls: boolean | undefined;
  readonly tlsverify: boolean | undefined;
  readonly tlscacert: string | undefined;
  readonly tlscert: string | undefined;
  readonly tlskey: string | undefined;
}

export function settingsOf(files: TlsFiles, isVerified: boolean): TlsSettings {
  return { ca: files['ca.pem'], cert: files['cert.pem'], key: files['key.pem'], isVerified };
}

/** What the flags and Docker's variables say of the context `default`; undefined: no TLS. @throws Exit for files that cannot be read */
export function tlsOfFlags(flags: TlsFlags, environment: Readonly<Record<string, string | undefined>>, configDir: string): { readonly files: TlsFiles; readonly isVerified: boolean } | undefined {
  const isVerified = flags.tlsverify ?? (environment['DOCKER_TLS_VERIFY'] ?? '') !== '';
  if (!isVerified && !(flags.tls ?? (environment['DOCKER_TLS'] ?? '') !== '')) return undefined;
  const dir = environment['DOCKER_CERT_PATH'] || configDir;
  const given = { 'ca.pem': flags.tlscacert, 'cert.pem': flags.tlscert, 'key.pem': flags.tlskey };
  // As Docker does: files that were named must be there, those at their usual places may be.
  const found = tlsFileNames.filter((name) => given[name] !== undefined || existsSync(join(dir, name)));
  return { isVerified, files: Object.fromEntries(found.map((name) => [name, readTlsFile(given[name] ?? join(dir, name))])) };
}

/** @throws Exit */
export function readTlsFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Exit(1, `could not read TLS file: ${openError(path, error)}`);
  }
}
