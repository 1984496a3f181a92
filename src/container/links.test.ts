import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentOfLink, type LinkedTarget } from './links.ts';

function environment(exposed: readonly string[], { alias = 'db', env = [], bindings = [] }: { readonly alias?: string; readonly env?: readonly string[]; readonly bindings?: readonly string[] } = {}): readonly string[] {
  const target = {
    config: { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])), Env: env }, hostConfig: { PortBindings: Object.fromEntries(bindings.map((port) => [port, []])) },
  } as unknown as LinkedTarget['target'];
  return environmentOfLink({ path: `/web/${alias}`, alias, address: '172.17.0.2', target });
}

test('a port is told as address, number and protocol; the first of tcp is the link\'s own', () => {
  assert.deepEqual(environment(['53/udp', '6379/tcp']), [
    'DB_PORT=tcp://172.17.0.2:6379',
    'DB_PORT_6379_TCP=tcp://172.17.0.2:6379', 'DB_PORT_6379_TCP_ADDR=172.17.0.2', 'DB_PORT_6379_TCP_PORT=6379', 'DB_PORT_6379_TCP_PROTO=tcp',
    'DB_PORT_53_UDP=udp://172.17.0.2:53', 'DB_PORT_53_UDP_ADDR=172.17.0.2', 'DB_PORT_53_UDP_PORT=53', 'DB_PORT_53_UDP_PROTO=udp',
    'DB_NAME=/web/db',
  ]);
});

test('neighbouring ports of one protocol are told as a run, too', () => {
  assert.deepEqual(environment(['8002/tcp', '8000/tcp', '8001/tcp', '8001/udp', '9000/tcp']).filter((line) => /_(START|END)=/.test(line)), [
    'DB_PORT_8000_TCP_START=tcp://172.17.0.2:8000', 'DB_PORT_8000_TCP_PORT_START=8000', 'DB_PORT_8000_TCP_END=tcp://172.17.0.2:8002', 'DB_PORT_8000_TCP_PORT_END=8002',
  ]);
});

test('published ports count as exposed; variables are handed on but for HOME and PATH', () => {
  assert.deepEqual(environment([], { bindings: ['80/tcp'], alias: 'my-db', env: ['HOME=/x', 'PATH=/y', 'A=b=c', 'E=', 'gone'] }), [
    'MY_DB_PORT=tcp://172.17.0.2:80', 'MY_DB_PORT_80_TCP=tcp://172.17.0.2:80', 'MY_DB_PORT_80_TCP_ADDR=172.17.0.2', 'MY_DB_PORT_80_TCP_PORT=80', 'MY_DB_PORT_80_TCP_PROTO=tcp',
    'MY_DB_NAME=/web/my-db', 'MY_DB_ENV_A=b=c', 'MY_DB_ENV_E=',
  ]);
  assert.deepEqual(environment([]), ['DB_NAME=/web/db']);
});
