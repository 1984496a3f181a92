import assert from 'node:assert/strict';
import { test } from 'node:test';
import oracle from '@balena/dockerignore';
import * as fc from 'fast-check';
import { parseIgnoreFile } from './ignore.ts';
import { DockerfileError } from './source.ts';

/** Milliseconds of processor time: others may keep this machine busy. */
const spentMs = (): number => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };

test('parseIgnoreFile() knows which paths stay behind', () => {
  const table: readonly (readonly [lines: string, ignored: readonly string[], kept: readonly string[]])[] = [
    ['a', ['a', 'a/b', 'a/b/c'], ['ab', 'b/a']],
    ['/a/b/', ['a/b', 'a/b/c'], ['a']],
    ['*.md\n!README.md', ['x.md'], ['README.md', 'd/x.md']],
    ['**/*.md', ['x.md', 'd/x.md', 'd/e/x.md'], ['x.mdx']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'b']],
    ['**', ['a', 'a/b'], []],
    ['**/x', ['x', 'a/x', 'a/b/x', 'a/x/y'], ['ax']],
    ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb']],
    ['a**b', ['ab', 'ax/b'], ['axb']],
    ['?', ['a'], ['ab', 'a.b']],
    ['[a-c]x', ['ax', 'cx'], ['dx']],
    ['[^a]x', ['bx'], ['ax', '/x']],
    ['\\*', ['*'], ['a']],
    ['node_modules\n!node_modules/keep', ['node_modules/x'], ['node_modules/keep', 'node_modules/keep/y']],
    ['*\n!src\nsrc/*.log', ['x', 'src/a.log'], ['src', 'src/a.ts']],
    ['# comment\n\n  a  \r\n', ['a'], ['# comment']],
    ['! b\nb\n!  b', [], ['b']],
    ['.git', ['.git', '.git/config'], ['.gitignore']],
    ['a/../b', ['b'], ['a']],
    ['\uFEFFa', ['a'], []],
  ];
  for (const [lines, ignored, kept] of table) {
    const file = parseIgnoreFile(lines);
    for (const path of ignored) assert.ok(file.ignores(path), `${JSON.stringify(lines)} ignores ${path}`);
    for (const path of kept) assert.ok(!file.ignores(path), `${JSON.stringify(lines)} keeps ${path}`);
  }
});

test('parseIgnoreFile() refuses what is no pattern, with its line', () => {
  for (const bad of ['[', '[a', 'x\\', '!', '[]a', '[a-]']) {
    assert.throws(() => parseIgnoreFile(`ok\n${bad}\n`), (error: unknown) => error instanceof DockerfileError && error.lines[0]?.start === 2, bad);
  }
});

test('parseIgnoreFile() agrees with @balena/dockerignore', () => {
  const name = fc.constantFrom('a', 'b', 'ab', 'a.b', 'c');
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
  const part = fc.constantFrom('a', 'b', 'ab', '*', '**', '*.b', '?', 'a*', '[ab]');
  const rule = fc.tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 3 })).map(([isException, parts]) => `${isException ? '!' : ''}${parts.join('/')}`);
  fc.assert(fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), path, (rules, one) => {
    assert.equal(parseIgnoreFile(rules.join('\n')).ignores(one), oracle.default().add([...rules]).ignores(one), `${JSON.stringify(rules)} ${one}`);
  }), { numRuns: 3000 });
});

test('parseIgnoreFile() is not slowed down by stars', () => {
  const startedAt = spentMs();
  assert.equal(parseIgnoreFile(`${'*a'.repeat(30)}*b\n${'**/a/'.repeat(30)}b`).ignores(`${'a'.repeat(255)}/${'a/'.repeat(100)}`), false);
  assert.ok(spentMs() - startedAt < 2000);
});
