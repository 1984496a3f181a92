// Links in the default network: an alias in hosts, variables about the other end, and what becomes of them as the two live and die.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busybox, openEngine, succeeded, until } from './engine.ts';

const engine = await openEngine();
const label = engine.flags.split(' ').slice(2);
const start = async (...args: string[]) => succeeded(await engine.docker(['run', '-d', ...label, ...args, busybox, 'sleep', '1000'])).trim();
const said = async (...args: string[]) => succeeded(await engine.docker(args)).trim();
const hosts = async (id: string) => (await said('exec', id, 'cat', '/etc/hosts')).split('\n').filter((line) => line.startsWith('172.'));
const addressOf = async (id: string) => said('inspect', '-f', '{{.NetworkSettings.IPAddress}}', id);
const linksOf = async (id: string) => JSON.parse(await said('inspect', '-f', '{{json .HostConfig.Links}}', id)) as readonly string[] | null;
const db = engine.unique('db');
const app = engine.unique('app');
const remove = async () => { await engine.docker(['rm', '-f', app, db]); };

test('a linked container is found by its alias, and its ports and variables are told, also to what is executed', async () => {
  await start('--name', db, '--hostname', 'dbhost', '-e', 'FOO=bar', '--expose', '6379', '--expose', '53/udp');
  const id = await start('--name', app, '--link', `${db}:the-db`, '--link', db, '-e', 'THE_DB_PORT_53_UDP=mine');
  const address = await addressOf(db);
  assert.deepEqual((await hosts(id)).slice(0, 2), [`${address}\tthe-db dbhost ${db}`, `${address}\t${db} dbhost`]);
  assert.match(await said('exec', id, 'ping', '-c', '1', '-W', '5', 'the-db'), / 0% packet loss/);
  const variables = (await said('exec', id, 'env')).split('\n').filter((line) => line.startsWith('THE_DB_'));
  const own = (await said('exec', id, 'sh', '-c', 'tr "\\000" "\\n" < /proc/1/environ')).split('\n').filter((line) => line.startsWith('THE_DB_'));
  assert.deepEqual(variables.toSorted(), [
    'THE_DB_ENV_FOO=bar', `THE_DB_NAME=/${app}/the-db`, `THE_DB_PORT=tcp://${address}:6379`, 'THE_DB_PORT_53_UDP=mine', `THE_DB_PORT_53_UDP_ADDR=${address}`, 'THE_DB_PORT_53_UDP_PORT=53', 'THE_DB_PORT_53_UDP_PROTO=udp',
    `THE_DB_PORT_6379_TCP=tcp://${address}:6379`, `THE_DB_PORT_6379_TCP_ADDR=${address}`, 'THE_DB_PORT_6379_TCP_PORT=6379', 'THE_DB_PORT_6379_TCP_PROTO=tcp',
  ]);
  assert.deepEqual(own.toSorted(), variables.toSorted());
  assert.deepEqual((await linksOf(app))?.toSorted(), [`/${db}:/${app}/${db}`, `/${db}:/${app}/the-db`]);
});

test('the linked container has one more name: by it it is listed, found and inspected', async () => {
  const rows = (await engine.http('GET', `/containers/json?filters=${encodeURIComponent(JSON.stringify({ name: [`^/${db}$`] }))}`)).json() as readonly { readonly Names: readonly string[] }[];
  assert.deepEqual(rows.map(({ Names }) => Names.toSorted()), [[`/${app}/${db}`, `/${app}/the-db`, `/${db}`]]);
  assert.equal(await said('inspect', '-f', '{{.Name}}', `${app}/the-db`), `/${db}`);
});

test('hosts of a running container follow the other end to a new address', async () => {
  const before = await addressOf(db);
  await said('stop', '-t', '0', db);
  const other = await start();
  await said('start', db);
  const address = await addressOf(db);
  assert.notEqual(address, before);
  await until('the new address to be known', async () => (await hosts(app)).join().startsWith(`${address}\tthe-db dbhost ${db}`));
  assert.equal((await hosts(app)).length, 3, 'the old address is gone');
  await said('rm', '-f', other);
});

test('a link is taken away alone; what is not linked is said', async () => {
  await said('rm', '--link', `${app}/${db}`);
  assert.deepEqual(await linksOf(app), [`/${db}:/${app}/the-db`]);
  const missing = await engine.docker(['rm', '--link', `${app}/nope`]);
  assert.deepEqual([missing.code, missing.stderr.includes(`No such container: ${app}/nope`)], [1, true], missing.stderr);
});

test('without the other end there is no start, and it is said who is missing', async () => {
  await said('stop', '-t', '0', app, db);
  const refused = await engine.docker(['start', app]);
  assert.ok(refused.code === 1 && refused.stderr.includes(`Cannot link to a non running container: /${db} AS /${app}/the-db`), refused.stderr);
  await said('rm', db);
  const gone = await engine.docker(['start', app]);
  assert.ok(gone.code === 1 && gone.stderr.includes(`Cannot link to a non running container: /${db} AS /${app}/the-db`), gone.stderr);
  await remove();
});

test('links that cannot be are refused when the container is made', async () => {
  const nobody = await engine.docker(['create', ...label, '--link', 'nobody-there', busybox, 'true']);
  assert.ok(nobody.code !== 0 && nobody.stderr.includes('could not get container for nobody-there: No such container: nobody-there'), nobody.stderr);
  await start('--name', db, '--network', 'host');
  const host = await engine.docker(['create', ...label, '--link', db, busybox, 'true']);
  assert.ok(host.code !== 0 && host.stderr.includes('host type networking can\'t be used with links'), host.stderr);
  const json = await engine.http('POST', '/containers/create', { Image: busybox, HostConfig: { Links: ['a:b:c'] } });
  assert.match(JSON.stringify(json.json()), /bad format for links: a:b:c/);
  await remove();
});
