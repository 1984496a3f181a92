// The user's credentials: Docker's config.json (`auths`, in base64, which hides nothing), or credential helpers, one for all (`credsStore`) or for one
// registry (`credHelpers`).
import { decode } from '../../base/index.ts';
import { info } from '../../client/index.ts';
import type { RegistryCredentials } from '../../spec/docker/registry.ts';
import type { ClientConfig } from '../config.ts';
import type { Session } from '../session.ts';
import { eraseSecret, getSecret, storeSecret } from './helper.ts';

/** Docker Hub's key, which is older than its registry. */
export const hubServer = 'https://index.docker.io/v1/';
/** The name of the user for whom a helper keeps an identity token in the place of the password. */
const tokenUser = '<token>';

const none = decode.optional(decode.text);
const entryOf = decode.object<{ readonly auth?: string; readonly identitytoken?: string; readonly registrytoken?: string; readonly username?: string; readonly password?: string }>({
  auth: none, identitytoken: none, registrytoken: none, username: none, password: none,
});
const namesOf = decode.dictionary(decode.text);
const authsOf = decode.dictionary((value) => value);

/** The key of a registry in config.json: of Docker Hub under any of its names the old one. */
export function serverKey(registry: string): string {
  const host = hostOf(registry);
  return ['', 'docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? hubServer : host;
}

/** What is kept for `registry`; undefined: nothing. */
export async function storedCredentials(config: ClientConfig, registry: string): Promise<RegistryCredentials | undefined> {
  const server = serverKey(registry);
  const helper = helperFor(config, server);
  if (helper === undefined) return inFile(config, server);
  const found = await getSecret(helper, server);
  if (found === undefined) return undefined;
  return found.username === tokenUser ? { identitytoken: found.secret, serveraddress: server } : { username: found.username, password: found.secret, serveraddress: server };
}

/** @returns whether they lie in the file, readable for whoever reads it */
export async function storeCredentials(config: ClientConfig, credentials: RegistryCredentials & { readonly serveraddress: string }): Promise<{ readonly isPlain: boolean }> {
  const { serveraddress: server, username = '', password = '', identitytoken } = credentials;
  const helper = helperFor(config, server);
  if (helper === undefined) {
    const auth = Buffer.from(`${username}:${identitytoken === undefined ? password : ''}`).toString('base64');
    config.changePart('auths', (auths) => ({ ...authsOf(auths, 'auths'), [server]: { auth, ...identitytoken === undefined ? {} : { identitytoken } } }));
    return { isPlain: true };
  }
  await storeSecret(helper, server, identitytoken === undefined ? { username, secret: password } : { username: tokenUser, secret: identitytoken });
  // An empty entry, as Docker leaves one: it tells that there is something for this registry.
  config.changePart('auths', (auths) => ({ ...authsOf(auths, 'auths'), [server]: {} }));
  return { isPlain: false };
}

export async function eraseCredentials(config: ClientConfig, registry: string): Promise<void> {
  const server = serverKey(registry);
  const helper = helperFor(config, server);
  if (helper !== undefined) await eraseSecret(helper, server);
  const before = authsOf(config.part('auths'), 'auths');
  const keys = Object.keys(before).filter((key) => serverKey(key) === server);
  if (keys.length === 0) return;
  config.changePart('auths', (auths) => Object.fromEntries(Object.entries(authsOf(auths, 'auths')).filter(([key]) => !keys.includes(key))));
}

/** The header that goes with pull, push and their like: what is kept for the registry, which the daemon may have put in Docker Hub's place. */
export async function authHeaders({ config, docker }: Session, registry: string): Promise<Readonly<Record<string, string>>> {
  const isAnything = ['auths', 'credsStore', 'credHelpers'].some((name) => config.part(name) !== undefined);
  if (!isAnything) return headersOf(undefined);
  const isDefault = serverKey(registry) === hubServer;
  return headersOf(await storedCredentials(config, isDefault ? (await info(docker)).IndexServerAddress : registry));
}

/** The header that goes with builds: what is kept for each of the registries. */
export async function buildHeaders({ config }: Session, registries: Iterable<string>): Promise<Readonly<Record<string, string>>> {
  const kept: Record<string, RegistryCredentials> = {};
  for (const registry of new Set(registries)) {
    const credentials = await storedCredentials(config, registry);
    if (credentials !== undefined) kept[registry] = credentials;
  }
  return Object.keys(kept).length === 0 ? {} : { 'X-Registry-Config': Buffer.from(JSON.stringify(kept)).toString('base64url') };
}

/** Docker's daemon wants the header, also when there is nobody to log in. */
function headersOf(credentials: RegistryCredentials | undefined): Readonly<Record<string, string>> {
  return { 'X-Registry-Auth': Buffer.from(JSON.stringify(credentials ?? {})).toString('base64url') };
}

function helperFor(config: ClientConfig, server: string): string | undefined {
  const own = namesOf(config.part('credHelpers'), 'credHelpers')[server === hubServer ? 'docker.io' : server] ?? namesOf(config.part('credHelpers'), 'credHelpers')[server];
  return own || decode.text(config.part('credsStore'), 'credsStore') || undefined;
}

function inFile(config: ClientConfig, server: string): RegistryCredentials | undefined {
  const auths = authsOf(config.part('auths'), 'auths');
  // The exact key before those that only mean the same host (with https:// or a path).
  const key = Object.hasOwn(auths, server) ? server : Object.keys(auths).find((key) => serverKey(key) === server);
  if (key === undefined) return undefined;
  const { auth = '', identitytoken, registrytoken, username, password } = entryOf(auths[key], `auths[${JSON.stringify(key)}]`);
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '')) ?? [];
  const found = { username: user ?? username, password: secret ?? password, identitytoken, registrytoken };
  const given = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined && value !== ''));
  return Object.keys(given).length === 0 ? undefined : { ...given, serveraddress: server };
}

function hostOf(registry: string): string {
  return registry.replace(/^https?:\/\//i, '').replace(/\/.*$/s, '').toLowerCase();
}
