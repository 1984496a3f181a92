// login: asks the registry, through the daemon, whether it takes the credentials, and keeps them where config.json says.
import { text } from 'node:stream/consumers';
import { isDaemonError, loginToRegistry } from '../../client/index.ts';
import type { RegistryCredentials } from '../../spec/docker/registry.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { ask } from '../credentials/ask.ts';
import { serverKey, storeCredentials, storedCredentials } from '../credentials/kept.ts';
import { say, warn, type Session } from '../session.ts';

interface Given {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly 'password-stdin': boolean;
}

export const command = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  summary: 'Authenticate to a registry',
  examples: [
    ['login -u ana --password-stdin ghcr.io < token.txt', 'without a prompt, and without the secret on the command line'],
    ['login localhost:5000', 'asks for user and password'],
  ],
  flags: {
    password: flag.text('p', 'string', 'Password or access token; others on the machine can read it in the list of processes'),
    'password-stdin': flag.on('', 'Take the password from stdin'),
    username: flag.text('u', 'string', 'User'),
  },
  operands: { min: 0, max: 1 },
  async run({ values, operands: [registry = ''], session }) {
    check(values);
    const server = serverKey(registry);
    const kept = await loginWithKept(values, server, session);
    if (kept) return 0;
    const credentials = { ...await credentialsFrom(values, server, session), serveraddress: server };
    const { IdentityToken: identitytoken, Status: status } = await loginToRegistry(session.docker, credentials);
    const { isPlain } = await storeCredentials(session.config, identitytoken === '' ? credentials : { ...credentials, identitytoken });
    if (isPlain) warn(session, `WARNING! Your credentials are stored unencrypted in '${session.config.dir}/config.json'.\nConfigure a credential helper to remove this warning: credsStore in the same file.\n`);
    say(session, status);
    return 0;
  },
});

function check({ username, password, 'password-stdin': isFromStdin }: Given): void {
  if (isFromStdin && username === undefined) throw new Exit(1, 'the --password-stdin option requires --username to be set');
  if (isFromStdin && password !== undefined) throw new Exit(1, 'conflicting options: cannot specify both --password and --password-stdin');
}

/** With nothing on the command line, what is kept is tried first. */
async function loginWithKept({ username, password }: Given, server: string, session: Session): Promise<boolean> {
  const kept = username === undefined && password === undefined ? await storedCredentials(session.config, server) : undefined;
  if (kept === undefined) return false;
  warn(session, `Authenticating with existing credentials...${kept.username === undefined ? '' : ` [Username: ${kept.username}]`}\n`);
  try {
    say(session, (await loginToRegistry(session.docker, kept)).Status);
    return true;
  } catch (error) {
    if (!isDaemonError(error, 401)) throw error;
    warn(session, `Stored credentials are no longer good: ${error.message}`);
    return false;
  }
}

async function credentialsFrom(given: Given, server: string, session: Session): Promise<RegistryCredentials> {
  if (given['password-stdin']) return { username: given.username!, password: (await text(session.stdin)).replace(/\r?\n$/, '') };
  if (given.password !== undefined) warn(session, 'WARNING! Using --password via the CLI is insecure. Use --password-stdin.');
  const username = given.username ?? (await ask(session, 'Username: ', { isSecret: false })).trim();
  if (username === '') throw new Exit(1, 'username is required');
  const password = given.password ?? await ask(session, 'Password: ', { isSecret: true });
  if (password === '') throw new Exit(1, `password is required for ${server}`);
  return { username, password };
}
