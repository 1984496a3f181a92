// The decoder of configurations beside the specification's own JSON schemas, where those are: what they refuse is refused here, naming the field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { noReference, SchemaDirectory } from '../../../test/schemas/reference.ts';
import { decodeProcess, decodeResources, decodeSpec } from './runtime-config.ts';
import { leavesOf, replaced, whole, written } from './whole-config.fixture.ts';

test('decodeSpec() takes every field of the specification', () => {
  const spec = decodeSpec(JSON.stringify(whole));
  assert.deepEqual({ ...spec, linux: { ...spec.linux, intelRdt: {} } }, whole);
});

test('decodeSpec() refuses a wrong type in every field, and names it', () => {
  const leaves = [...leavesOf(whole)];
  assert.ok(leaves.length > 120, `${leaves.length} fields`);
  for (const path of leaves) {
    const text = JSON.stringify(replaced(whole, path, { wrong: true }));
    assert.throws(() => decodeSpec(text), (error) => isFail(error, 'invalid') && error.message.startsWith(`${written(path)}: `), written(path));
  }
});

for (const [field, path, value] of [
  ['an unknown namespace', ['linux', 'namespaces', 0, 'type'], 'flavour'], ['an unknown action', ['linux', 'seccomp', 'defaultAction'], 'SCMP_ACT_SMILE'],
  ['a negative user', ['process', 'user', 'uid'], -1], ['a user beyond 32 bits', ['process', 'user', 'uid'], 2 ** 32], ['a page size in words', ['linux', 'resources', 'hugepageLimits', 0, 'pageSize'], 'two'],
  ['a relative hook', ['hooks', 'prestart', 0, 'path'], 'hook'], ['a hook without time', ['hooks', 'prestart', 0, 'timeout'], 0], ['a list of CPUs that is none', ['process', 'execCPUAffinity', 'final'], 'all'],
  ['another specification', ['ociVersion'], '2.0.0'], ['an unknown propagation', ['linux', 'rootfsPropagation'], 'wide'], ['a fraction', ['linux', 'resources', 'pids', 'limit'], 1.5],
] as const) {
  test(`decodeSpec() refuses ${field}, and names the field`, () => {
    assert.throws(() => decodeSpec(JSON.stringify(replaced(whole, path, value))), (error) => isFail(error, 'invalid') && error.message.startsWith(`${written(path)}: `));
  });
}

test('decodeSpec() refuses what is missing', () => {
  for (const field of ['ociVersion', 'root', 'process'] as const) assert.throws(() => decodeSpec(JSON.stringify({ ...whole, [field]: undefined })), (error) => isFail(error, 'invalid') && error.message.startsWith(`${field}: `));
  assert.throws(() => decodeSpec('{'), (error) => isFail(error, 'invalid'));
});

test('decodeSpec() takes null and unknown keys as nothing, as Go does', () => {
  const spec = decodeSpec(JSON.stringify({ ...whole, hooks: null, mounts: null, later: { x: 1 } }));
  assert.deepEqual([spec.hooks, spec.mounts], [undefined, []]);
});

test('decodeSpec() keeps a 64-bit number of seccomp to the last digit', () => {
  const text = JSON.stringify(whole).replace('"value":1', '"value":18446744073709551615');
  assert.equal(decodeSpec(text).linux.seccomp?.syscalls?.[0]?.args?.[0]?.value, 18446744073709551615n);
});

test('decodeProcess() and decodeResources() take the parts by themselves', () => {
  assert.deepEqual(decodeProcess(JSON.stringify(whole.process)), whole.process);
  assert.deepEqual(decodeResources(JSON.stringify(whole.linux.resources)), whole.linux.resources);
});

test('decodeSpec() refuses whatever the specification\'s schemas refuse', { skip: noReference }, () => {
  const schemas = new SchemaDirectory('oci-runtime-spec');
  assert.deepEqual(schemas.violations('config-schema.json', whole), []);
  const taken: string[] = [];
  for (const path of leavesOf(whole)) {
    for (const wrong of [-1, 2 ** 70, 'wrong', true]) {
      const changed = replaced(whole, path, wrong);
      if (schemas.violations('config-schema.json', changed).length === 0) continue;
      try {
        decodeSpec(JSON.stringify(changed));
        taken.push(`${written(path)} = ${JSON.stringify(wrong)}`);
      } catch (error) {
        assert.ok(isFail(error, 'invalid'), written(path));
      }
    }
  }
  assert.deepEqual(taken, []);
});
