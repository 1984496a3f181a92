// What people run: nginx, redis and postgres of Debian, each in a container, asked by name over TCP and from other hosts; and UDP. Debian's glibc is the client of
// names here, so all of it resolves as real programs do.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { debianServices } from '../fixtures/debian.ts';
import { openEngine, succeeded, until } from './engine.ts';
import { openNetworking, skipNetworks } from './network.ts';

const engine = await openEngine();
const archive = await debianServices();
const skip = skipNetworks || (archive === undefined ? 'needs mmdebstrap' : false);
const image = engine.unique('services');
const net = openNetworking(engine, image);
after(async () => { await engine.docker(['rmi', '-f', image], { timeoutMs: 60_000 }); });
if (skip === false) succeeded(await engine.docker(['import', archive!, image], { timeoutMs: 120_000 }));

const nginxSettings = 'user www-data; events {} http { server { listen 80; listen [::]:80; root /usr/share/nginx/html; } }';
/** Says a line to a TCP port and gives what comes back, by bash alone. */
const say = (host: string, port: number, line: string): string => `timeout 3 bash -c "exec 3<>/dev/tcp/${host}/${port}; printf '${line}' >&3; head -c 300 <&3"`;

test('nginx, redis and postgres: by name in their network, by published ports from another host', { skip }, async () => {
  const neighbour = await net.neighbour();
  const network = await net.network('--ipv6', '--subnet', '2001:db8:79::/64');
  const ports = { web: 25_000 + process.pid % 5000, cache: 31_000 + process.pid % 1000 };
  await net.start(['--network', network, '--network-alias', 'web', '-p', `${ports.web}:80`], 'sh', '-c', `echo '${nginxSettings}' > /tmp/nginx.conf; mkdir -p /var/log/nginx /var/lib/nginx; exec nginx -c /tmp/nginx.conf -g 'daemon off;'`);
  await net.start(['--network', network, '--network-alias', 'cache', '-p', `${ports.cache}:6379`], 'redis-server', '--bind', '* -::*', '--protected-mode', 'no', '--save', '');
  await net.start(['--network', network, '--network-alias', 'db', '--user', 'postgres'], 'sh', '-c', `bin=$(echo /usr/lib/postgresql/*/bin); $bin/initdb -A trust -D /tmp/db > /dev/null && echo 'host all all all trust' >> /tmp/db/pg_hba.conf && exec $bin/postgres -c jit=off -D /tmp/db -k /tmp -c listen_addresses='*' -c fsync=off`);
  const client = await net.start(['--network', network], 'sleep', '300');
  const asked = async (line: string): Promise<string> => (await net.exec(client, line)).stdout;
  await until('redis answers by name', async () => (await asked('redis-cli -h cache set k v')).trim() === 'OK');
  assert.equal(await asked('redis-cli -h cache get k'), 'v\n');
  await until('nginx answers by name', async () => (await asked(String.raw`timeout 3 bash -c "exec 3<>/dev/tcp/web/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3"`)).includes('Welcome to nginx'));
  await until('postgres answers by name', async () => (await asked('$(echo /usr/lib/postgresql/*/bin)/psql -h db -U postgres -Atc "select 6 * 7"')) === '42\n', 30_000);
  assert.match(await asked('$(echo /usr/lib/postgresql/*/bin)/psql -h db -U postgres -Atc "select inet_client_addr()"'), /^(2001:db8:79::|172\.|192\.168\.|10\.)/);
  assert.match(await asked('getent ahostsv6 db'), /^2001:db8:79::/);
  for (const [where, host] of [[neighbour, neighbour.host], [neighbour, neighbour.host6], [net.host, '127.0.0.1'], [net.host, '::1']] as const) {
    assert.match((await where.sh(say(host, ports.web, String.raw`GET / HTTP/1.0\r\n\r\n`))).stdout, /200 OK/, host);
    assert.match((await where.sh(say(host, ports.cache, String.raw`GET k\r\nQUIT\r\n`))).stdout, /\$1\r\nv\r\n/, host);
  }
});

test('UDP: a published port from another host, from this one and from a container; answers come from where was asked', { skip }, async () => {
  const neighbour = await net.neighbour();
  const port = 27_000 + process.pid % 4000;
  const echo = 'use IO::Socket::INET; $| = 1; my $s = IO::Socket::INET->new(LocalPort => 99, Proto => "udp") or die; while (my $p = $s->recv(my $b, 100)) { $s->send("you said $b") }';
  const server = await net.start(['-p', `${port}:99/udp`], 'perl', '-e', echo);
  const other = await net.start([], 'sleep', '300');
  const say = (host: string): string => `bash -c "exec 3<>/dev/udp/${host}/${port}; echo hello >&3; timeout 1 head -n 1 <&3"`;
  await until('it answers', async () => (await net.host.sh(say('127.0.0.1'))).stdout === 'you said hello\n');
  assert.equal((await neighbour.sh(say(neighbour.host))).stdout, 'you said hello\n');
  for (const container of [other, server]) assert.equal((await net.exec(container, say(neighbour.host))).stdout, 'you said hello\n');
});

test('the networks go', { skip: skipNetworks }, async () => {
  await net.close();
});
