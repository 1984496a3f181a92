// The decoder of configurations beside the specification's own JSON schemas, where those are: what they refuse is refused here, naming the field.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
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

const schemaDir = process.env['ESTIVA_OCI_SCHEMAS'] ?? 'test/schemas/oci-runtime-spec';

test('decodeSpec() refuses whatever the specification\'s schemas refuse', { skip: existsSync(`${schemaDir}/config-schema.json`) ? false : 'ESTIVA_OCI_SCHEMAS names no directory with the schemas' }, () => {
  assert.deepEqual(violations('config-schema.json', '', whole, 'config'), []);
  const taken: string[] = [];
  for (const path of leavesOf(whole)) {
    for (const wrong of [-1, 2 ** 70, 'wrong', true]) {
      const changed = replaced(whole, path, wrong);
      if (violations('config-schema.json', '', changed, 'config').length === 0) continue;
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

interface Schema {
  readonly $ref?: string; readonly type?: string; readonly enum?: readonly unknown[]; readonly pattern?: string; readonly minimum?: number; readonly maximum?: number; readonly minItems?: number;
  readonly required?: readonly string[]; readonly properties?: Readonly<Record<string, Schema>>; readonly items?: Schema; readonly allOf?: readonly Schema[]; readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema; readonly patternProperties?: Readonly<Record<string, Schema>>;
}

const documents = new Map<string, Schema>();

/** As much of JSON Schema as the specification uses. */
function violations(file: string, pointer: string, value: unknown, at: string): readonly string[] {
  let document = documents.get(file);
  if (document === undefined) documents.set(file, document = JSON.parse(readFileSync(`${schemaDir}/${file}`, 'utf8')) as Schema);
  const schema = pointer.split('/').slice(1).reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document) as Schema;
  return violationsOf(schema, file, value, at);
}

function violationsOf(schema: Schema, file: string, value: unknown, at: string): readonly string[] {
  if (schema.$ref !== undefined) {
    const [name = '', pointer = ''] = schema.$ref.split('#');
    if (/solaris|windows|vm|zos|freebsd/.test(name)) return [];
    return violations(name === '' ? file : name, pointer, value, at);
  }
  const found = (schema.allOf ?? []).flatMap((each) => violationsOf(each, file, value, at));
  if (schema.anyOf !== undefined && !schema.anyOf.some((each) => violationsOf(each, file, value, at).length === 0)) found.push(`${at}: none of several`);
  const type = Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : value === null ? 'null' : typeof value;
  if (schema.type !== undefined && schema.type !== type) return [...found, `${at}: ${type} instead of ${schema.type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${at}: not one of`);
  if (schema.pattern !== undefined && typeof value === 'string' && !new RegExp(schema.pattern).test(value)) found.push(`${at}: pattern`);
  if (typeof value === 'number' && (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))) found.push(`${at}: range`);
  if (Array.isArray(value)) return [...found, ...value.flatMap((item: unknown, index) => (schema.items === undefined ? [] : violationsOf(schema.items, file, item, `${at}[${index}]`)))];
  if (type !== 'object') return found;
  const object = value as Record<string, unknown>;
  for (const key of schema.required ?? []) if (object[key] === undefined) found.push(`${at}: ${key} is missing`);
  return [...found, ...Object.entries(object).flatMap(([key, item]) => {
    const own = schema.properties?.[key] ?? schema.additionalProperties ?? Object.entries(schema.patternProperties ?? {}).find(([pattern]) => new RegExp(pattern).test(key))?.[1];
    return own === undefined ? [] : violationsOf(own, file, item, `${at}.${key}`);
  })];
}
