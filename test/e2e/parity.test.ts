// The same flags, the same container: the whole of inspect field by field, and what a program sees inside, as dockerd has them.
//
// What dockerd said is in parity/recorded.json; with ESTIVA_E2E_DOCKERD a dockerd is asked now. ESTIVA_E2E_RECORD=1 with a dockerd as the target
// writes the record anew. Run against that dockerd, this test proves its own record.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { busybox, openEngine, type EngineUnderTest } from './engine.ts';
import { created, seen } from './parity/cases.ts';

type Fields = Readonly<Record<string, unknown>>;
type Changes = Readonly<Record<string, unknown>>;

interface Record28 {
  readonly created: Readonly<Record<string, { readonly warnings: readonly string[]; readonly fields: Changes }>>;
  readonly seen: Readonly<Record<string, { readonly code: number; readonly output: readonly string[] }>>;
}

/** Ours on purpose, and why. Everything else must be equal. */
const differences: Readonly<Record<string, string>> = {
  'HostConfig.Runtime': 'there is no runc: the name of the runtime is ours',
  'HostConfig.CgroupnsMode': 'a cgroup namespace of its own also with cgroups of version 1 (docs/decisions/0006)',
  'GraphDriver.Data': 'the overlay is made in the container\'s own mount namespace: there is no directory to show',
};

const recordPath = join(import.meta.dirname, 'parity/recorded.json');
const isRecording = process.env.ESTIVA_E2E_RECORD === '1';
const engine = await openEngine();
const isVersion2 = (await engine.http('GET', '/info')).text.includes('"CgroupVersion":"2"');
const peer = engine.ours && process.env.ESTIVA_E2E_DOCKERD !== undefined ? await openEngine('dockerd') : undefined;
const recorded: Record28 = isRecording ? { created: {}, seen: {} } : JSON.parse(readFileSync(recordPath, 'utf8')) as Record28;
const fresh: { created: Record<string, Record28['created'][string]>; seen: Record<string, Record28['seen'][string]> } = { created: {}, seen: {} };
/** Differences from the first container only: the record stays small. */
let plain: Fields = {};

for (const [name, flags] of Object.entries(created)) {
  // What version 2 has no limit for is discarded there, with a warning: discard.test.ts.
  const skip = isVersion2 && /swappiness|OOM killer|I\/O|real-time/.test(name) && 'recorded with cgroups of version 1';
  test(`inspect of a container with ${name}`, { skip, concurrency: false }, async () => {
    const ours = await inspected(engine, flags);
    const changes = name === 'nothing' ? ours.fields : changesOf(plain, ours.fields);
    if (name === 'nothing') plain = ours.fields;
    if (isRecording) {
      fresh.created[name] = { warnings: ours.warnings, fields: changes };
      return;
    }
    const theirs = peer === undefined ? recorded.created[name] : await inspected(peer, flags);
    assert.ok(theirs !== undefined, 'not recorded');
    const expected = peer === undefined ? { ...recorded.created['nothing']!.fields, ...theirs.fields } : theirs.fields;
    assert.deepEqual(withoutOurs(ours.fields), withoutOurs(expected));
    assert.deepEqual(ours.warnings, theirs.warnings);
  });
}

test('inspect tells where the files of a container are, once it was started', async () => {
  const [name, beside] = [engine.unique('files'), engine.unique('beside')];
  const id = await engine.start(['--name', name, busybox, 'sleep', '60']);
  const [label] = /estiva-e2e=\S+/.exec(engine.flags) ?? [''];
  assert.equal((await engine.docker(['run', '-d', '--name', beside, '--label', label, '--network', `container:${name}`, busybox, 'sleep', '60'])).code, 0);
  for (const container of [name, beside]) {
    const { HostsPath, HostnamePath, ResolvConfPath } = await engine.inspect(container) as unknown as Record<string, string>;
    assert.deepEqual([HostsPath, HostnamePath, ResolvConfPath].map((path) => path!.slice(path!.indexOf(id))), [`${id}/hosts`, `${id}/hostname`, `${id}/resolv.conf`], 'the network\'s owner has them');
  }
  assert.equal((await engine.docker(['rm', '-f', name, beside])).code, 0);
});

for (const [name, [flags, script]] of Object.entries(seen)) {
  const skip = isVersion2 && /^(cgroup|mounts)/.test(name) && 'recorded with cgroups of version 1';
  test(`a program sees: ${name}`, { skip, concurrency: false }, async () => {
    const ours = await looked(engine, flags, script);
    if (isRecording) fresh.seen[name] = ours;
    else assert.deepEqual(ours, peer === undefined ? recorded.seen[name] : await looked(peer, flags, script));
  });
}

test('the record is kept', { skip: !isRecording && 'ESTIVA_E2E_RECORD=1 writes it' }, () => {
  assert.equal(engine.name, 'dockerd');
  writeFileSync(recordPath, `${JSON.stringify(fresh, null, 1)}\n`);
});

async function inspected(at: EngineUnderTest, flags: readonly string[]): Promise<{ readonly fields: Fields; readonly warnings: readonly string[] }> {
  const name = at.unique('parity');
  const [label] = /estiva-e2e=\S+/.exec(at.flags) ?? [''];
  const made = await at.docker(['create', '--name', name, '--network', 'none', '--label', label, ...flags, busybox, 'echo', 'one', 'two words']);
  assert.equal(made.code, 0, made.stderr);
  const { Id, ...rest } = await at.inspect(name);
  await at.http('DELETE', `/containers/${name}?force=1`);
  const text = JSON.stringify(rest).replaceAll(Id, '<id>').replaceAll(Id.slice(0, 12), '<short id>').replaceAll(name, '<name>');
  const { Created, LogPath, Config, GraphDriver, ...others } = JSON.parse(text) as { readonly Created: string; readonly LogPath: string; readonly Config: { readonly Labels: Record<string, string>; readonly Env: readonly string[] }; readonly GraphDriver: object };
  assert.match(Created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z$/);
  const { 'estiva-e2e': _, ...Labels } = Config.Labels;
  // Variables of different names have no order: dockerd's is not always the same.
  const Env = Config.Env.toSorted();
  // dockerd knows where a log is once there is one.
  assert.ok(LogPath === '' || LogPath.endsWith('/<id>-json.log'), LogPath);
  return { fields: flat({ ...others, Config: { ...Config, Labels, Env }, GraphDriver }), warnings: made.stderr.split('\n').filter((line) => line.startsWith('WARNING: ')) };
}

async function looked(at: EngineUnderTest, flags: readonly string[], script: string): Promise<Record28['seen'][string]> {
  const { code, stdout } = await at.run(['--rm', ...flags, busybox, 'sh', '-c', script]);
  return { code, output: stdout.replaceAll('\r', '').trimEnd().split('\n') };
}

/** `HostConfig.Memory` → value; lists and empty objects are values. */
function flat(value: object, path = ''): Fields {
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    const at = path === '' ? key : `${path}.${key}`;
    const isBranch = typeof item === 'object' && item !== null && !Array.isArray(item) && Object.keys(item).length > 0 && !/Labels|Annotations|Sysctls|Tmpfs|LogConfig\.Config|GraphDriver/.test(at);
    return isBranch ? Object.entries(flat(item, at)) : [[at, item] as const];
  }));
}

function changesOf(before: Fields, after: Fields): Changes {
  return Object.fromEntries(Object.entries(after).filter(([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value)));
}

/** Without the fields that are ours on purpose. A cgroup namespace that was asked for is compared. */
function withoutOurs(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !Object.keys(differences).some((ours) => key === ours || key.startsWith(`${ours}.`)) && key !== 'GraphDriver'));
}
