// certs.d, in Docker's layout: `<dir>/<host:port>/` with authorities in *.crt, and the client's own certificates in *.cert, each with its *.key.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { fail, messageOf } from '../base/index.ts';

/** What TLS to one registry is made with; made once, since the list of authorities is long; undefined: nothing special. @throws `invalid` for a certificate without key, `denied` when the folder cannot be read */
export function secureContextFor(host: string, dirs: readonly string[], isInsecure: boolean): SecureContext | undefined {
  // The host may come from a redirect: only what can be one folder's name is looked up.
  const folders = /^[a-z0-9][a-z0-9.-]*(?::\d+)?$/.test(host) ? dirs.map((dir) => join(dir, host)) : [];
  const found = folders.flatMap((folder) => filesIn(folder));
  const own = found.filter((path) => path.endsWith('.cert'));
  const authorities = found.filter((path) => path.endsWith('.crt'));
  if (own.length === 0 && isInsecure) return undefined;
  if (own.length === 0 && authorities.length === 0) return commonContext ??= createSecureContext({ ca: systemAuthorities() });
  const identity = own.length === 0 ? {} : { key: own.map((path) => read(keyOf(path, found))), cert: own.map(read) };
  return createSecureContext({ ca: [...systemAuthorities(), ...authorities.map(read)], ...identity });
}
let commonContext: SecureContext | undefined;

/** Node's own list and the system's: a company's authority is in the second. */
function systemAuthorities(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort().map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fail('denied', `Cannot read the certificates in ${JSON.stringify(folder)}: ${messageOf(error)}`, { cause: error });
  }
}

function keyOf(path: string, found: readonly string[]): string {
  const key = path.replace(/cert$/, 'key');
  if (!found.includes(key)) throw fail('invalid', `missing key ${key} for client certificate ${path}`, { hint: 'Beside *.cert there must be the *.key of the same name; authorities are *.crt' });
  return key;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fail('denied', `Cannot read the certificate ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error });
  }
}
