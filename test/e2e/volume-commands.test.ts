// Volumes as commands and as API: made, listed, looked at, removed, pruned; what is refused, in Docker's words and with its codes.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const mark = engine.unique('mark');
const made: string[] = [];
after(async () => {
  if (!engine.ours) for (const name of made) await engine.docker(['volume', 'rm', '-f', name]);
});

async function make(hint: string, ...flags: string[]): Promise<string> {
  const name = engine.unique(hint);
  made.push(name);
  assert.equal(succeeded(await engine.docker(['volume', 'create', '--label', mark, ...flags, name])), `${name}\n`);
  return name;
}

const failed = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await engine.docker(args);
  assert.notEqual(code, 0, args.join(' '));
  return stderr;
};

const query = (filters: object): string => `filters=${encodeURIComponent(JSON.stringify(filters))}`;

async function listed(filters: object): Promise<readonly string[]> {
  const answer = await engine.http('GET', `/v1.51/volumes?${query({ label: [mark], ...filters })}`);
  assert.equal(answer.status, 200, answer.text);
  return (answer.json() as { Volumes: { Name: string }[] }).Volumes.map(({ Name }) => Name).toSorted();
}

test('a volume is made, listed, looked at and removed', async () => {
  const name = await make('one', '--label', 'a=b');
  assert.match(succeeded(await engine.docker(['volume', 'ls'])), new RegExp(`^DRIVER +VOLUME NAME\\n(.*\\n)*local +${name}\\n`));
  assert.equal(succeeded(await engine.docker(['volume', 'ls', '-q', '--filter', `name=${name}`])), `${name}\n`);
  assert.equal(succeeded(await engine.docker(['volume', 'ls', '--filter', `name=${name}`, '--format', '{{.Name}} {{.Driver}} {{.Scope}} {{.Label "a"}} {{.Links}} {{.Size}} {{.Status}}'])), `${name} local local b N/A N/A N/A\n`);
  const [found] = JSON.parse(succeeded(await engine.docker(['volume', 'inspect', name]))) as [Record<string, unknown>];
  const { CreatedAt, Mountpoint, ...rest } = found;
  assert.deepEqual(rest, { Driver: 'local', Labels: { a: 'b', [mark]: '' }, Name: name, Options: rest['Options'], Scope: 'local' });
  assert.ok(rest['Options'] === null || Object.keys(rest['Options'] as object).length === 0);
  assert.match(String(CreatedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.match(String(Mountpoint), new RegExp(`/volumes/${name}/_data$`));
  assert.equal(succeeded(await engine.docker(['inspect', '--format', '{{.Driver}}', name])), 'local\n');
  assert.equal(succeeded(await engine.docker(['volume', 'inspect', '-f', '{{.Name}}', name])), `${name}\n`);
  assert.equal(succeeded(await engine.docker(['volume', 'rm', name])), `${name}\n`);
  assert.match(await failed('volume', 'inspect', name), new RegExp(`get ${name}: no such volume`));
  assert.match(await failed('volume', 'rm', name), new RegExp(`get ${name}: no such volume`));
  assert.equal(succeeded(await engine.docker(['volume', 'rm', '-f', name])), `${name}\n`);
});

test('one that is there already is given as it is', async () => {
  const name = await make('again', '--label', 'a=b');
  const again = await engine.http('POST', '/v1.51/volumes/create', { Name: name, Labels: { a: 'c' }, DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
  assert.deepEqual([again.status, (again.json() as { Labels: object }).Labels], [201, { a: 'b', [mark]: '' }]);
  if (process.env['ESTIVA_E2E_CLIENT'] === 'estiva') {
    assert.match((await engine.docker(['volume', 'create', '--label', 'a=c', name])).stderr, /WARNING: The volume ".*" was there before, with other options or labels: it is as it was/);
  }
});

test('without a name it is anonymous', async () => {
  for (const body of [{}, undefined, { Labels: null }]) {
    const answer = await engine.http('POST', '/v1.51/volumes/create', body);
    const { Name, Labels } = answer.json() as { Name: string; Labels: object };
    made.push(Name);
    assert.match(Name, /^[0-9a-f]{64}$/);
    assert.deepEqual([answer.status, Labels], [201, { 'com.docker.volume.anonymous': '' }]);
  }
});

test('what cannot be is refused with Docker\'s code and words', async () => {
  const refusals: readonly (readonly [body: unknown, status: number, message: string])[] = [
    [{ Name: 'a' }, 400, 'create a: volume name is too short, names should be at least two alphanumeric characters'],
    ...['a/b', '/tmp/x', '..', '.ab', '-ab', 'ä b'].map((Name) => [{ Name }, 400, `create ${Name}: ${JSON.stringify(Name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`] as const),
    [{ Name: 'xx', DriverOpts: { foo: 'bar' } }, 400, 'create xx: invalid option: "foo"'],
    [{ Name: 'xx', DriverOpts: { type: 'tmpfs' } }, 400, 'create xx: missing required option: "device"'],
    [{ Name: 'xx', DriverOpts: { device: 'tmpfs' } }, 400, 'create xx: missing required option: "type"'],
    [{ Name: 'xx', DriverOpts: { o: 'bind' } }, 400, 'create xx: missing required option: "device"'],
    [{ Name: 'xx', DriverOpts: { size: 'abc' } }, 400, 'create xx: invalid size: \'abc\''],
    [{ Name: 'xx', ClusterVolumeSpec: {} }, 503, 'This node is not a swarm manager'],
  ];
  for (const [body, status, message] of refusals) {
    const answer = await engine.http('POST', '/v1.51/volumes/create', body as Record<string, unknown>);
    const said = (answer.json() as { message: string }).message;
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${said}`);
    assert.ok(said.startsWith(message), said);
  }
  assert.match(await failed('volume', 'create', 'one', 'two'), /requires at most 1 argument/);
  for (const body of ['[]', '7', '{"Name":5}', '{"Labels":[]}', '}{']) {
    const answer = await engine.http('POST', '/v1.51/volumes/create', Buffer.from(body), { headers: { 'Content-Type': 'application/json' } });
    assert.equal(answer.status, 400, `${body}: ${answer.text}`);
  }
  assert.deepEqual([(await engine.http('PUT', '/v1.51/volumes/xx', {})).status, (await engine.http('GET', '/v1.51/volumes/no/such')).status], [503, 404]);
});

/** A dockerd asks its network for plugins of that name, for half a minute. */
test('a driver that is not there', { skip: !engine.ours && 'takes dockerd half a minute' }, async () => {
  assert.match(await failed('volume', 'create', '-d', 'nix', 'xx'), /create xx: error looking up volume plugin nix: plugin "nix" not found/);
});

test('filters', async () => {
  const [db, web] = [await make('db', '--label', 'tier=db'), await make('web', '--label', 'tier=web')];
  assert.deepEqual(await listed({ label: [mark, 'tier'] }), [db, web].toSorted());
  assert.deepEqual(await listed({ label: [mark, 'tier=db'] }), [db]);
  assert.deepEqual(await listed({ name: [db.slice(0, -2)] }), [db]);
  assert.deepEqual(await listed({ name: [`^${db.slice(1)}`] }), []);
  assert.deepEqual(await listed({ name: [db, web], dangling: ['true'], driver: ['local', 'other'] }), [db, web].toSorted());
  assert.deepEqual(await listed({ dangling: ['0'] }), []);
  assert.deepEqual(await listed({ driver: ['other'] }), []);
  for (const [filters, message] of [[{ foo: ['x'] }, /^invalid filter 'foo'/], [{ dangling: ['x'] }, /^invalid filter 'dangling=\[x\]'/], [{ dangling: ['true', 'false'] }, /^invalid filter 'dangling=\[(false true|true false)\]'/]] as const) {
    const answer = await engine.http('GET', `/v1.51/volumes?${query(filters)}`);
    assert.equal(answer.status, 400);
    assert.match((answer.json() as { message: string }).message, message);
  }
  for (const [filters, message] of [[{ until: ['1h'] }, /^invalid filter 'until'/], [{ all: ['x'] }, /^invalid filter 'all': strconv\.ParseBool: parsing "x": invalid syntax/], [{ all: ['0', '1'] }, /^invalid filter 'all=\[(0 1|1 0)\]': only one value is expected/]] as const) {
    const answer = await engine.http('POST', `/v1.51/volumes/prune?${query(filters)}`);
    assert.equal(answer.status, 400);
    assert.match((answer.json() as { message: string }).message, message);
  }
});

test('prune takes anonymous ones, with --all any that nobody has; never what stands for something of the host', async () => {
  const named = await make('named', '--label', 'prune=me');
  const scratch = await make('scratch', '--label', 'prune=me', '-o', 'type=tmpfs', '-o', 'device=tmpfs');
  const kept = await make('kept', '--label', 'prune=me', '--label', 'keep=');
  const anonymous = ((await engine.http('POST', '/v1.51/volumes/create', { Labels: { [mark]: '', prune: 'me' } })).json() as { Name: string }).Name;
  made.push(anonymous);
  const filters = ['--filter', `label=${mark}`, '--filter', 'label=prune=me'];
  assert.equal(succeeded(await engine.docker(['volume', 'prune', '-f', ...filters])), `Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: 0B\n`);
  const asked = await engine.docker(['volume', 'prune', ...filters], { input: 'n\n' });
  assert.match(asked.stdout + asked.stderr, /^WARNING! This will remove anonymous local volumes not used by at least one container\.\nAre you sure you want to continue\? \[y\/N\] $/);
  assert.equal(succeeded(await engine.docker(['volume', 'prune', '-af', ...filters, '--filter', 'label!=keep'])), `Deleted Volumes:\n${named}\n\nTotal reclaimed space: 0B\n`);
  assert.deepEqual(await listed({ label: [mark, 'prune=me'] }), [kept, scratch].toSorted());
  assert.deepEqual((await engine.http('POST', `/v1.51/volumes/prune?${query({ label: [`${mark}=nope`] })}`)).json(), { VolumesDeleted: [], SpaceReclaimed: 0 });
});

test('events tell of it', async () => {
  const since = Date.now() / 1000 - 0.001;
  const name = await make('told');
  succeeded(await engine.docker(['volume', 'rm', name]));
  await sleep(20);
  const lines = succeeded(await engine.docker(['events', '--since', String(since), '--until', String(Date.now() / 1000), '--filter', `volume=${name}`, '--format', '{{.Type}} {{.Action}} {{.Actor.ID}} {{json .Actor.Attributes}}']));
  assert.equal(lines, ['create', 'destroy'].map((action) => `volume ${action} ${name} {"driver":"local"}\n`).join(''));
});

test('system df counts them', async () => {
  const [own, scratch] = [await make('own'), await make('mem', '-o', 'type=tmpfs', '-o', 'device=tmpfs')];
  const { Volumes } = (await engine.http('GET', '/v1.51/system/df?type=volume')).json() as { Volumes: { Name: string; UsageData: object }[] };
  assert.deepEqual(Volumes.filter(({ Name }) => Name === own || Name === scratch).map(({ Name, UsageData }) => [Name, UsageData]), [[own, { RefCount: 0, Size: 0 }]]);
  assert.match(succeeded(await engine.docker(['system', 'df', '-v'])), new RegExp(`Local Volumes space usage:\\n\\nVOLUME NAME +LINKS +SIZE\\n(.*\\n)*${own} +0 +0B\\n`));
  assert.match(succeeded(await engine.docker(['system', 'df'])), /^Local Volumes +[1-9]/m);
});

test('the build cache has nothing to give', { skip: !engine.ours && 'a dockerd has one, and others use it' }, async () => {
  assert.deepEqual((await engine.http('POST', '/v1.51/build/prune')).json(), { CachesDeleted: null, SpaceReclaimed: 0 });
  assert.equal((await engine.http('POST', `/v1.51/build/prune?${query({ foo: ['x'] })}`)).status, 400);
  assert.match(succeeded(await engine.docker(['system', 'prune', '-f', '--volumes', '--filter', 'label=no-such-label'])), /Total reclaimed space: 0B/);
});
