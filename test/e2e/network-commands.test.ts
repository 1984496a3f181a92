// Networks as commands and as API: made, listed, looked at, joined, left and removed; what is refused, in Docker's words and with its codes.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const label = engine.flags.split(' ').slice(2);
const made: string[] = [];
after(async () => {
  if (!engine.ours) for (const name of made) await engine.docker(['network', 'rm', '-f', name]);
});

async function make(name: string, ...flags: string[]): Promise<string> {
  const unique = engine.unique(name);
  made.push(unique);
  succeeded(await engine.docker(['network', 'create', ...flags, unique]));
  return unique;
}

const failed = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await engine.docker(args);
  assert.notEqual(code, 0, args.join(' '));
  return stderr;
};

test('a network is made, listed, looked at and removed', async () => {
  const name = await make('one', '--subnet', '10.231.0.0/24', '--ip-range', '10.231.0.128/25', '--aux-address', 'router=10.231.0.9', '--label', 'a=b', '--internal');
  const line = succeeded(await engine.docker(['network', 'ls', '--filter', `name=${name}`, '--format', '{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.IPv4}} {{.IPv6}} {{.Label "a"}}'])).trim();
  assert.equal(line, `${name} bridge local true true false b`);
  const [found] = JSON.parse(succeeded(await engine.docker(['network', 'inspect', name]))) as [{ IPAM: { Config: [{ Subnet: string; IPRange: string; AuxiliaryAddresses: object }] }; Containers: object; Labels: object; Scope: string; Created: string; Id: string }];
  const { Subnet, IPRange, AuxiliaryAddresses } = found.IPAM.Config[0];
  assert.deepEqual([Subnet, IPRange, AuxiliaryAddresses, found.Containers, found.Labels, found.Scope], ['10.231.0.0/24', '10.231.0.128/25', { router: '10.231.0.9' }, {}, { a: 'b' }, 'local']);
  assert.ok(Math.abs(Date.parse(found.Created) - Date.now()) < 60_000);
  assert.equal(succeeded(await engine.docker(['network', 'rm', found.Id.slice(0, 20)])).trim(), found.Id.slice(0, 20));
  assert.match(await failed('network', 'inspect', name), new RegExp(`network ${name} not found`));
});

test('a container is in a network, and out of it again; inspect says so', async () => {
  const [first, second] = [await make('first', '--subnet', '10.231.1.0/24'), await make('second', '--subnet', '10.231.2.0/24')];
  const box = engine.unique('box');
  succeeded(await engine.docker(['run', '-d', ...label, '--name', box, '--network', first, busybox, 'sleep', '1000']));
  const members = async (network: string): Promise<string> => succeeded(await engine.docker(['network', 'inspect', '--format', '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{end}}', network])).trim();
  assert.equal(await members(first), `${box} 10.231.1.2/24`);
  succeeded(await engine.docker(['network', 'connect', '--ip', '10.231.2.77', second, box]));
  assert.equal(await members(second), `${box} 10.231.2.77/24`);
  assert.match(await failed('network', 'connect', second, box), new RegExp(`endpoint with name ${box} already exists in network ${second}`));
  assert.match(await failed('network', 'rm', second), new RegExp(`error while removing network: network ${second} has active endpoints \\(name:"${box}" id:"[0-9a-f]{12}"\\)`));
  succeeded(await engine.docker(['network', 'disconnect', second, box]));
  assert.equal(await members(second), '');
  assert.match(await failed('network', 'disconnect', second, box), /is not connected to network/);
  succeeded(await engine.docker(['rm', '-f', box]));
  succeeded(await engine.docker(['network', 'rm', first, second]));
});

test('what cannot be is refused with Docker\'s code and words', async () => {
  const taken = await make('taken', '--subnet', '10.231.3.0/24');
  const refusals: readonly (readonly [body: Record<string, unknown>, status: number, message: string])[] = [
    [{ Name: '' }, 400, 'invalid name: name is empty'], [{ Name: taken }, 409, `network with name ${taken} already exists`], [{ Name: 'host' }, 403, 'operation is not permitted on predefined host network '],
    [{ Name: 'x', Driver: 'nope' }, 404, 'plugin "nope" not found'], [{ Name: 'x', EnableIPv4: false }, 400, 'IPv4 or IPv6 must be enabled'],
    [{ Name: 'x', IPAM: { Config: [{ Subnet: '10.231.3.128/25' }] } }, 403, 'invalid pool request: Pool overlaps with other one on this address space'],
    [{ Name: 'x', IPAM: { Config: [{ Subnet: '10.231.4.1/24' }] } }, 400, 'invalid network config:\ninvalid subnet 10.231.4.1/24: it should be 10.231.4.0/24'],
    [{ Name: 'x', Options: { 'com.docker.network.driver.mtu': 'xx' } }, 400, 'failed to parse com.docker.network.driver.mtu value: xx (strconv.Atoi: parsing "xx": invalid syntax)'],
    [{ Name: 'x', ConfigFrom: { Network: taken } }, 404, `configuration network ${JSON.stringify(taken)} does not exist`],
    [{ Name: 'x', Ingress: true }, 403, 'Ingress network can only be global scope network'],
  ];
  for (const [body, status, message] of refusals) {
    const answer = await engine.http('POST', '/v1.51/networks/create', body);
    const said = (answer.json() as { message: string }).message;
    assert.equal(answer.status, status, said);
    assert.ok(said.startsWith(message), said);
  }
  assert.match(await failed('network', 'rm', 'bridge'), /bridge is a pre-defined network and cannot be removed/);
  succeeded(await engine.docker(['network', 'rm', taken]));
});

test('filters choose, and prune removes what nobody is in', async () => {
  const word = engine.unique('word');
  const [used, unused] = [await make('used', '--label', word), await make('unused', '--label', word)];
  const box = succeeded(await engine.docker(['run', '-d', ...label, '--network', used, busybox, 'sleep', '1000'])).trim();
  const names = async (...filters: string[]): Promise<readonly string[]> => succeeded(await engine.docker(['network', 'ls', '--format', '{{.Name}}', ...[`label=${word}`, ...filters].flatMap((filter) => ['--filter', filter])])).trim().split('\n').filter((name) => name !== '').toSorted();
  assert.deepEqual([await names(), await names('driver=macvlan'), await names('type=builtin'), await names('type=custom', `name=${unused}`)], [[unused, used], [], [], [unused]]);
  // dockerd 28 counts nobody when it lists: it takes every network for dangling.
  if (engine.ours) assert.deepEqual([await names('dangling=true'), await names('dangling=false')], [[unused], [used]]);
  assert.match(await failed('network', 'ls', '--filter', 'type=zz'), /invalid filter: 'type'='zz'/);
  assert.match(await failed('network', 'ls', '--filter', 'zz=1'), /invalid filter 'zz'/);
  assert.equal(succeeded(await engine.docker(['network', 'prune', '-f', '--filter', `label=${word}`])), `Deleted Networks:\n${unused}\n\n`);
  succeeded(await engine.docker(['rm', '-f', box]));
  succeeded(await engine.docker(['network', 'rm', used]));
});

test('events tell what happened to networks', async () => {
  const since = (Date.now() / 1000 - 1).toFixed(3);
  const name = await make('told');
  const box = succeeded(await engine.docker(['run', '-d', ...label, '--network', name, busybox, 'sleep', '1000'])).trim();
  succeeded(await engine.docker(['rm', '-f', box]));
  succeeded(await engine.docker(['network', 'rm', name]));
  const lines = succeeded(await engine.docker(['events', '--since', since, '--until', (Date.now() / 1000 + 0.2).toFixed(3), '--filter', 'type=network', '--format', '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}} {{.Actor.Attributes.container}}'])).trim().split('\n').filter((line) => line.includes(name));
  assert.deepEqual(lines, [`create ${name} bridge <no value>`, `connect ${name} bridge ${box}`, `disconnect ${name} bridge ${box}`, `destroy ${name} bridge <no value>`]);
});
