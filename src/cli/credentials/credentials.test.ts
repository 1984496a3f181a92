import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, beforeEach, test } from 'node:test';
import { openConfig, type ClientConfig } from '../config.ts';
import { runCli } from '../main.ts';
import { eraseCredentials, serverKey, storeCredentials, storedCredentials } from './kept.ts';

const dir = mkdtempSync(join(tmpdir(), 'estiva-credentials-'));
const file = join(dir, 'config.json');
const path = process.env['PATH'];
process.env['PATH'] = `${dir}:${path}`;
after(() => {
  process.env['PATH'] = path;
  rmSync(dir, { recursive: true });
});
/** A helper that keeps each secret in a file of its own, and fails for a server named fail. */
writeFileSync(join(dir, 'docker-credential-files'), `#!/bin/sh
kept=${dir}/kept
input=$(cat)
case "$1 $input" in
  *fail*) echo "the keychain is locked"; exit 1 ;;
  store*) echo "$input" > $kept ;;
  get*) cat $kept 2>/dev/null && grep -q "\\"$input\\"" $kept || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase*) rm -f $kept ;;
esac
`);
chmodSync(join(dir, 'docker-credential-files'), 0o755);
writeFileSync(join(dir, 'docker-credential-broken'), '#!/bin/sh\necho secret-nonsense\n');
chmodSync(join(dir, 'docker-credential-broken'), 0o755);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function configWith(value: object): ClientConfig {
  writeFileSync(file, JSON.stringify(value), { mode: 0o644 });
  return openConfig(dir, (line) => assert.fail(line));
}

const written = (): unknown => JSON.parse(readFileSync(file, 'utf8'));

beforeEach(() => { rmSync(join(dir, 'kept'), { force: true }); });

test('serverKey() is the key that Docker writes', () => {
  for (const [name, key] of [['', 'https://index.docker.io/v1/'], ['docker.io', 'https://index.docker.io/v1/'], ['registry-1.docker.io', 'https://index.docker.io/v1/'], ['https://Ghcr.io/v2/', 'ghcr.io'], ['localhost:5000', 'localhost:5000']] as const) assert.equal(serverKey(name), key);
});

test('credentials are kept in auths, beside what others keep there, and are the user\'s alone', async () => {
  const config = configWith({ auths: { 'a.example': { auth: base64('x:y'), email: 'kept@example' } }, HttpHeaders: { a: 'b' }, currentContext: 'c' });
  assert.deepEqual(await storeCredentials(config, { username: 'u', password: 'p:q', serveraddress: 'b.example' }), { isPlain: true });
  assert.deepEqual(written(), { auths: { 'a.example': { auth: base64('x:y'), email: 'kept@example' }, 'b.example': { auth: base64('u:p:q') } }, HttpHeaders: { a: 'b' }, currentContext: 'c' });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(await storedCredentials(config, 'b.example'), { username: 'u', password: 'p:q', serveraddress: 'b.example' });
  assert.equal(await storedCredentials(config, 'c.example'), undefined);
  await eraseCredentials(config, 'https://B.example/');
  assert.deepEqual((written() as { auths: object }).auths, { 'a.example': { auth: base64('x:y'), email: 'kept@example' } });
});

test('an identity token is kept in the place of the password', async () => {
  const config = configWith({});
  await storeCredentials(config, { username: 'u', password: 'p', identitytoken: 'long', serveraddress: 'b.example' });
  assert.deepEqual(written(), { auths: { 'b.example': { auth: base64('u:'), identitytoken: 'long' } } });
  assert.deepEqual(await storedCredentials(config, 'b.example'), { username: 'u', identitytoken: 'long', serveraddress: 'b.example' });
});

test('old entries are found by their host; an exact one comes first, and none by a suffix', async () => {
  const config = configWith({ auths: { 'https://a.example/v1/': { auth: base64('old:1') }, 'evil.a.example': { auth: base64('evil:1') } } });
  assert.equal((await storedCredentials(config, 'a.example'))?.username, 'old');
  assert.equal(await storedCredentials(config, 'example'), undefined);
  assert.equal(await storedCredentials(config, 'a.example.attacker.com'), undefined);
  const both = configWith({ auths: { 'https://a.example/v1/': { auth: base64('old:1') }, 'a.example': { auth: base64('new:1') } } });
  assert.equal((await storedCredentials(both, 'a.example'))?.username, 'new');
});

test('helpers: the one of the registry, else the one for all; tokens have a user of their own', async () => {
  const config = configWith({ credsStore: 'fails', credHelpers: { 'b.example': 'files' } });
  assert.deepEqual(await storeCredentials(config, { username: 'u', password: 'p', serveraddress: 'b.example' }), { isPlain: false });
  assert.deepEqual(JSON.parse(readFileSync(join(dir, 'kept'), 'utf8')), { ServerURL: 'b.example', Username: 'u', Secret: 'p' });
  assert.deepEqual((written() as { auths: object }).auths, { 'b.example': {} }, 'no secret in the file');
  assert.deepEqual(await storedCredentials(config, 'b.example'), { username: 'u', password: 'p', serveraddress: 'b.example' });
  await storeCredentials(config, { username: 'u', password: 'p', identitytoken: 'long', serveraddress: 'b.example' });
  assert.deepEqual(await storedCredentials(config, 'b.example'), { identitytoken: 'long', serveraddress: 'b.example' });
  await eraseCredentials(config, 'b.example');
  assert.equal(await storedCredentials(config, 'b.example'), undefined);
  assert.deepEqual((written() as { auths: object }).auths, {});
});

for (const [name, helper, message] of [
  ['fails', 'files', /^error getting credentials - err: docker-credential-files get failed, out: `the keychain is locked`$/],
  ['is not there', 'absent', /^error getting credentials - err: exec: "docker-credential-absent": executable file not found in \$PATH$/],
  ['answers with nonsense', 'broken', /^The credential helper docker-credential-broken answers with what is no JSON of its protocol$/],
  ['has a path for a name', '../x', /^Invalid name of a credential helper/],
] as const) {
  test(`a helper that ${name} is said, without what it keeps`, async () => {
    await assert.rejects(storedCredentials(configWith({ credsStore: helper }), 'fail.example'), { message });
  });
}

test('parts of the wrong type are refused by name', async () => {
  await assert.rejects(storedCredentials(configWith({ auths: [] }), 'a'), { message: /^auths: expected an object$/ });
  await assert.rejects(storedCredentials(configWith({ auths: { a: { auth: 5 } } }), 'a'), { message: /auth: expected a string$/ });
});

async function cli(argv: readonly string[], { input = '', terminal = false, answer = [200, { IdentityToken: '', Status: 'Login Succeeded' }] }: { readonly input?: string; readonly terminal?: boolean; readonly answer?: readonly [status: number, body: object] } = {}) {
  const asked: { readonly line: string; readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    void request.toArray().then((chunks) => {
      asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(chunks as Buffer[]).toString() });
      response.writeHead(answer[0], { 'Content-Type': 'application/json' }).end(JSON.stringify(request.url?.endsWith('/info') === true ? { IndexServerAddress: 'https://index.docker.io/v1/' } : answer[1]));
    });
  });
  await new Promise<void>((resolve) => { server.listen(join(dir, 'd.sock'), resolve); });
  const texts = { out: '', err: '' };
  const sink = (name: 'out' | 'err'): Writable => new Writable({ write(chunk: Buffer, _, done) { texts[name] += chunk.toString(); done(); } });
  const stdin = Object.assign(new PassThrough(), terminal ? { isTTY: true, setRawMode: () => undefined } : {});
  if (terminal) for (const [index, key] of input.split('').entries()) setTimeout(() => stdin.write(key), 20 + index);
  else stdin.end(input);
  try {
    const code = await runCli(argv, { stdin, stdout: sink('out'), stderr: sink('err'), environment: { ESTIVA_HOST: `unix://${dir}/d.sock`, DOCKER_CONFIG: dir }, runDaemon: async () => undefined });
    return { code, ...texts, asked };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('login takes the password from stdin, asks the daemon, keeps it, and warns', async () => {
  configWith({});
  const { code, out, err, asked } = await cli(['login', '-u', 'u', '--password-stdin', 'b.example'], { input: 'hunter2\n' });
  assert.deepEqual([code, out], [0, 'Login Succeeded\n']);
  assert.match(err, /^WARNING! Your credentials are stored unencrypted in /);
  assert.deepEqual(JSON.parse(asked[0]!.body), { username: 'u', password: 'hunter2', serveraddress: 'b.example' });
  assert.deepEqual(written(), { auths: { 'b.example': { auth: base64('u:hunter2') } } });
});

test('login asks at the terminal, and shows no secret', async () => {
  configWith({});
  const { code, out, asked } = await cli(['login', 'b.example'], { input: 'ux\u007f\rhunter2\r', terminal: true });
  assert.equal(code, 0);
  assert.equal(out, 'Username: ux\b \b\nPassword: \nLogin Succeeded\n');
  assert.deepEqual(JSON.parse(asked[0]!.body), { username: 'u', password: 'hunter2', serveraddress: 'b.example' });
});

test('login that is refused keeps nothing; one without a terminal says so', async () => {
  configWith({});
  const refused = await cli(['login', '-u', 'u', '-p', 'x', 'b.example'], { answer: [401, { message: 'login attempt to https://b.example/v2/ failed with status: 401 Unauthorized' }] });
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.equal(refused.err, 'WARNING! Using --password via the CLI is insecure. Use --password-stdin.\nError response from daemon: login attempt to https://b.example/v2/ failed with status: 401 Unauthorized\n');
  assert.deepEqual(written(), {});
  assert.deepEqual((await cli(['login', 'b.example'])).err, 'Error: Cannot perform an interactive login from a non TTY device\n');
  assert.deepEqual((await cli(['login', '--password-stdin'])).err, 'the --password-stdin option requires --username to be set\n');
  assert.deepEqual((await cli(['login', '-u', 'a', '-p', 'b', '--password-stdin'])).err, 'conflicting options: cannot specify both --password and --password-stdin\n');
});

test('login with nothing but a server uses what is kept; logout takes it away', async () => {
  configWith({ auths: { 'b.example': { auth: base64('u:hunter2') } } });
  const { out, err, asked } = await cli(['login', 'b.example']);
  assert.deepEqual([out, err], ['Login Succeeded\n', 'Authenticating with existing credentials... [Username: u]\n\n']);
  assert.deepEqual(JSON.parse(asked[0]!.body), { username: 'u', password: 'hunter2', serveraddress: 'b.example' });
  assert.equal((await cli(['logout', 'b.example'])).out, 'Removing login credentials for b.example\n');
  assert.deepEqual(written(), { auths: {} });
});

test('pull, push and search carry the credentials of their registry, and only those', async () => {
  configWith({ auths: { 'b.example': { auth: base64('u:hunter2') }, 'https://index.docker.io/v1/': { auth: base64('hub:h') } } });
  for (const [argv, user] of [[['pull', 'b.example/x'], 'u'], [['push', 'b.example/x'], 'u'], [['pull', 'c.example/x'], undefined], [['pull', 'x'], 'hub'], [['search', 'b.example/x'], 'u'], [['search', 'x'], 'hub']] as const) {
    const { asked } = await cli(argv, { answer: [200, []] });
    const header = asked.at(-1)!.headers['x-registry-auth'];
    assert.equal((JSON.parse(Buffer.from(String(header), 'base64url').toString()) as { username?: string }).username, user, argv.join(' '));
  }
});

test('search shows a table, most stars first', async () => {
  configWith({});
  const answer = [{ name: 'b', description: 'two\nlines', star_count: 1, is_official: false, is_automated: false }, { name: 'a', description: 'x'.repeat(60), star_count: 12, is_official: true, is_automated: false }];
  const { out } = await cli(['search', 'x'], { answer: [200, answer] });
  assert.equal(out, `NAME      DESCRIPTION                                     STARS     OFFICIAL\na         ${'x'.repeat(44)}…   12        [OK]\nb         two lines                                       1         \n`);
});
