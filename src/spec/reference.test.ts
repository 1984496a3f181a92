import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFail, messageOf } from '../base/index.ts';
import { canonicalReference, familiarReference, parseReference, withDefaultTag } from './reference.ts';

const digest = `sha256:${'0'.repeat(64)}`;

test('parseReference() knows what familiar names mean', () => {
  const meanings: Record<string, string> = {
    busybox: 'docker.io/library/busybox:latest', 'library/busybox': 'docker.io/library/busybox:latest', 'docker.io/x': 'docker.io/library/x:latest',
    'index.docker.io/x:1': 'docker.io/library/x:1', 'a/b:2': 'docker.io/a/b:2', 'a.b/c': 'a.b/c:latest', 'localhost/x': 'localhost/x:latest', 'A.b/c': 'A.b/c:latest',
    'Foo/bar': 'Foo/bar:latest', 'localhost:5000/x/y:t': 'localhost:5000/x/y:t', '[::1]:5000/x': '[::1]:5000/x:latest', 'a--b__c.d': 'docker.io/library/a--b__c.d:latest',
    [`x@${digest}`]: `docker.io/library/x@${digest}`, [`x:t@${digest}`]: `docker.io/library/x:t@${digest}`, 'docker.io': 'docker.io/library/docker.io:latest',
  };
  for (const [text, meaning] of Object.entries(meanings)) assert.equal(canonicalReference(withDefaultTag(parseReference(text))), meaning);
});

test('parseReference() refuses with the texts of Docker', () => {
  const refusals: Record<string, string> = {
    'a b': 'invalid reference format', 'foo:': 'invalid reference format', 'foo@sha256:ab': 'invalid reference format', 'a___b': 'invalid reference format', 'a..b': 'invalid reference format',
    '-a': 'invalid reference format', 'x:-t': 'invalid reference format', '': 'invalid reference format', 'foo/': 'invalid reference format', '/foo': 'invalid reference format', 'docker.io/': 'invalid reference format',
    Foo: 'invalid reference format: repository name (library/Foo) must be lowercase', 'localhost:5000/X': 'invalid reference format: repository name (X) must be lowercase',
    'x/A': 'invalid reference format: repository name (x/A) must be lowercase', ['a'.repeat(260)]: 'repository name must not be more than 255 characters',
    ['0'.repeat(64)]: `invalid repository name (${'0'.repeat(64)}), cannot specify 64-byte hexadecimal strings`, 'x\n': 'invalid reference format', '../x': 'invalid reference format', 'a/../b': 'invalid reference format',
  };
  for (const [text, message] of Object.entries(refusals)) {
    assert.throws(() => parseReference(text), (error: unknown) => isFail(error, 'invalid') && messageOf(error) === message, JSON.stringify(text));
  }
});

test('familiarReference() leaves out what everybody leaves out, and means the same', () => {
  for (const text of ['busybox:latest', 'a/b:1', 'ghcr.io/a/b:1', `x@${digest}`, 'localhost:5000/x:1']) assert.equal(familiarReference(parseReference(text)), text);
  assert.equal(familiarReference(parseReference('docker.io/library/busybox:latest')), 'busybox:latest');
  assert.equal(familiarReference(parseReference('docker.io/library/a/b:1')), 'library/a/b:1');
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'aZ0.-_/:@[]'.split('')), maxLength: 30 }), (text) => {
    let reference;
    try { reference = parseReference(text); } catch (error) { assert.ok(isFail(error)); return; }
    assert.deepEqual(parseReference(canonicalReference(reference)), reference);
    assert.deepEqual(parseReference(familiarReference(reference)), reference);
  }), { numRuns: 2000 });
});
