// Contexts and the client's configuration, through the command line: what is printed, what is written, what stays.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { runCli } from '../main.ts';

const dir = mkdtempSync(join(tmpdir(), 'estiva-contexts-'));
after(() => rmSync(dir, { recursive: true }));
const configPath = join(dir, 'config.json');

/** An underscore is a blank within a word. */
async function estiva(line: string, environment: Record<string, string> = {}): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const texts = { out: '', err: '' };
  const sink = (name: 'out' | 'err'): Writable => new Writable({ write(chunk: Buffer, _, done) { texts[name] += chunk.toString(); done(); } });
  const code = await runCli(line.split(' ').map((word) => word.replaceAll('_', ' ')), { stdin: new PassThrough(), stdout: sink('out'), stderr: sink('err'), environment: { DOCKER_CONFIG: dir, ...environment }, runDaemon: async () => undefined });
  return { code, ...texts };
}

test('context create, ls, use, show, rm: Docker\'s words', async () => {
  assert.deepEqual(await estiva('context create web --docker host=unix:///x.sock --description mine'), { code: 0, out: 'web\n', err: 'Successfully created context "web"\n' });
  assert.equal((await estiva('context create web')).err, 'context "web" already exists\n');
  assert.deepEqual(await estiva('context use web'), { code: 0, out: 'web\n', err: 'Current context is now "web"\n' });
  assert.equal((await estiva('context ls --format {{.Name}}={{.DockerEndpoint}}={{.Current}}')).out, 'default=unix:///run/estiva/estiva.sock=false\nweb=unix:///x.sock=true\n');
  assert.equal((await estiva('context rm web')).err, 'context "web" is in use, set -f flag to force remove\n');
  assert.equal((await estiva('context rm -f web')).out, 'web\n');
  assert.equal((await estiva('context show')).out, 'default\n');
});

test('which context is in use: --context, hosts that are named, DOCKER_CONTEXT, the configuration', async () => {
  for (const name of ['conf', 'var', 'flag']) await estiva(`context create ${name} --docker host=unix:///${name}`);
  await estiva('context use conf');
  const shown = async (line: string, environment = {}): Promise<string> => (await estiva(line, environment)).out.trim();
  assert.equal(await shown('context show'), 'conf');
  assert.equal(await shown('context show', { DOCKER_CONTEXT: 'var' }), 'var');
  assert.equal(await shown('--context flag context show', { DOCKER_CONTEXT: 'var', DOCKER_HOST: 'unix:///h' }), 'flag');
  for (const variable of ['DOCKER_HOST', 'ESTIVA_HOST', 'ESTIVA_RUN']) assert.equal(await shown('context show', { [variable]: '/h', DOCKER_CONTEXT: 'var' }), 'default', variable);
  assert.equal(await shown('-H unix:///h context show'), 'default');
  assert.match((await estiva('-H unix:///h -c flag ps')).err, /cannot specify both --host and --context/);
  assert.equal((await estiva('ps')).err, 'Cannot connect to the Docker daemon at unix:///conf. Is the docker daemon running?\n');
  assert.match((await estiva('-c nope ps')).err, /^Failed to initialize: unable to resolve docker endpoint: context "nope": context not found: open /);
  await estiva('context use default');
});

test('a context goes through export and import; hosts that cannot be reached are refused', async () => {
  const file = join(dir, 'one.tar');
  await estiva('context create one --docker host=unix:///one.sock');
  assert.equal((await estiva(`context export one ${file}`)).err, `Written file ${JSON.stringify(file)}\n`);
  assert.equal((await estiva(`context export one ${file}`)).err, `open ${file}: file exists\n`);
  assert.equal((await estiva(`context import two ${file}`)).code, 0);
  assert.equal((await estiva('context inspect --format {{.Endpoints.docker.Host}} two')).out, 'unix:///one.sock\n');
  assert.match((await estiva('context create far --docker host=ssh://far')).err, /^Refusing ssh:\/\/far: hosts over SSH are not there yet/);
  assert.match((await estiva('context create far --docker host=tcp://10.0.0.1:2375')).err, /^Refusing tcp:\/\/10.0.0.1:2375: without TLS the API must stay on this machine/);
  assert.match((await estiva(`context import bad ${configPath}`)).err, /not a tar archive|no such file/);
});

test('config.json: what is not known stays, what is broken is said and never overwritten', async () => {
  writeFileSync(configPath, '{"auths":{"r":{"auth":"secret"}},"psFormat":"{{.ID}}"}');
  await estiva('context create kept --docker host=unix:///k');
  await estiva('context use kept');
  assert.deepEqual(JSON.parse(readFileSync(configPath, 'utf8')), { auths: { r: { auth: 'secret' } }, psFormat: '{{.ID}}', currentContext: 'kept' });
  writeFileSync(configPath, '{bad');
  assert.match((await estiva('context show')).err, /^WARNING: Error parsing config file \(.*config\.json\): /);
  const { code, err } = await estiva('context use kept');
  assert.equal(code, 1);
  assert.match(err, /it cannot be understood as it is/);
  assert.equal(readFileSync(configPath, 'utf8'), '{bad');
});

test('a mistyped command is answered with the nearest one', async () => {
  assert.match((await estiva('strat')).err, /^estiva: unknown command: estiva strat\n\nDid you mean 'estiva start'\?\n/);
  assert.match((await estiva('context lst')).err, /Did you mean 'estiva context (ls|list)'\?/);
  assert.doesNotMatch((await estiva('xylophone')).err, /Did you mean/);
});

test('keys of a context: kept for their owner alone, shown by name, taken along, gone with it', async () => {
  for (const name of ['ca', 'cert', 'key']) writeFileSync(join(dir, `my-${name}`), `${name} text`);
  const words = `host=tcp://far:2376,ca=${dir}/my-ca,cert=${dir}/my-cert,key=${dir}/my-key`;
  assert.equal((await estiva(`context create far --docker ${words}`)).code, 0);
  const shown = async (name: string): Promise<string> => (await estiva(`context inspect --format {{.Endpoints.docker.Host}}={{.Endpoints.docker.SkipTLSVerify}}={{json_.TLSMaterial}}={{.Storage.TLSPath}} ${name}`)).out.trim();
  const [host, skips, material, path = ''] = (await shown('far')).split('=');
  assert.deepEqual([host, skips, material], ['tcp://far:2376', 'false', '{"docker":["ca.pem","cert.pem","key.pem"]}']);
  assert.deepEqual([readFileSync(join(path, 'docker/key.pem'), 'utf8'), (statSync(join(path, 'docker/key.pem')).mode & 0o777).toString(8), (statSync(path).mode & 0o777).toString(8)], ['key text', '600', '700']);
  await estiva(`context export far ${dir}/far.tar`);
  assert.equal((await estiva(`context import again ${dir}/far.tar`)).code, 0);
  assert.equal((await estiva('context create third --from again')).code, 0);
  for (const name of ['again', 'third']) assert.match(await shown(name), /^tcp:\/\/far:2376=false=\{"docker":\["ca.pem","cert.pem","key.pem"\]\}=/);
  await estiva('context update third --docker host=tcp://far:2376,skip-tls-verify=true');
  assert.match(await shown('third'), /^tcp:\/\/far:2376=true=\{\}=/);
  await estiva('context rm far');
  assert.equal(existsSync(path), false);
  assert.match((await estiva('context create bad --docker host=tcp://far:2376,ca=/nope')).err, /could not read TLS file: open \/nope: no such file or directory\n$/);
  assert.match((await estiva('context create bad --docker host=tcp://far:2376,skip-tls-verify=perhaps')).err, /skip-tls-verify: parsing "perhaps": invalid syntax/);
  assert.match((await estiva('context create bad --docker host=tcp://far:2376,key-file=x')).err, /unrecognized config key: key-file/);
});
