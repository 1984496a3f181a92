// Credentials as clients send them: X-Registry-Auth is JSON in base64 (the kind for URLs; some clients send the other), and /auth has the same JSON as its body.
import type { IncomingHttpHeaders } from 'node:http';
import { decode, fail } from '../base/index.ts';
import type { Credentials } from '../engine/index.ts';

const header = 'x-registry-auth';
const none = decode.optional(decode.text);

/** Docker's AuthConfig. `auth` is `user:password` in base64, as old clients send it. */
const fields = decode.object<{ readonly username?: string; readonly password?: string; readonly auth?: string; readonly serveraddress?: string; readonly identitytoken?: string; readonly registrytoken?: string }>({
  username: none, password: none, auth: none, serveraddress: none, identitytoken: none, registrytoken: none,
});

export const decodeCredentials: decode.Decode<Credentials> = (value, path) => {
  const { username, password, auth = '', serveraddress, identitytoken, registrytoken } = fields(value, path);
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, 'base64').toString('utf8')) ?? [];
  return { username: username || user, password: password || secret, identityToken: identitytoken, registryToken: registrytoken, server: serveraddress };
};

/** What the client sent; undefined when it sent none. @throws `invalid`, without what was sent */
export function credentialsOf(headers: IncomingHttpHeaders): Credentials | undefined {
  const text = headers[header];
  if (typeof text !== 'string' || text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    // No cause: Node's reason quotes the text.
    throw fail('invalid', 'invalid X-Registry-Auth header: it is not JSON in base64');
  }
  return value === null ? undefined : decodeCredentials(value, 'X-Registry-Auth');
}

/** X-Registry-Config, of builds: credentials by registry, as Docker's configuration file names them. @throws `invalid`, without what was sent */
export function allCredentialsOf(headers: IncomingHttpHeaders): ReadonlyMap<string, Credentials> {
  const text = headers['x-registry-config'];
  if (typeof text !== 'string' || text === '') return new Map();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    throw fail('invalid', 'invalid X-Registry-Config header: it is not JSON in base64');
  }
  const all = value === null ? {} : decode.dictionary(decodeCredentials)(value, 'X-Registry-Config');
  return new Map(Object.entries(all).map(([server, credentials]) => [domainOf(server), credentials]));
}

/** `https://index.docker.io/v1/` is Docker Hub. */
function domainOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').split('/', 1)[0]!;
  return ['index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
}
