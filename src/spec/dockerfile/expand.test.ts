import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { expand } from './expand.ts';
import { DockerfileError } from './source.ts';

const values: Readonly<Record<string, string>> = { A: 'archive.tar.gz', E: '', S: 'two words', N: '42', P: '/a/b/c', STAR: 'a*b?c' };
const lookup = (name: string): string | undefined => Object.hasOwn(values, name) ? values[name] : undefined;
const text = (source: string, options = {}): string => expand(source, lookup, options).text;

/** Milliseconds of processor time: others may keep this machine busy. */
const spentMs = (): number => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };

test('expand() replaces names, and leaves what is no name', () => {
  const table: Readonly<Record<string, string>> = {
    $A: 'archive.tar.gz', '${A}x': 'archive.tar.gzx', $AX: '', 'a$': 'a$', '$.': '$.', '$N$N': '4242', '\\$A': '$A', "'$A'": '$A', '"$A"': 'archive.tar.gz', '"\\$A"': '$A', '"a\\b"': 'a\\b', 'a\\b': 'ab', '\\': '', '"$S"x': 'two wordsx', $é: '', '$1x': 'x',
  };
  for (const [source, expected] of Object.entries(table)) assert.equal(text(source), expected, source);
});

test('expand() knows all operators', () => {
  const table: Readonly<Record<string, string>> = {
    '${X:-d}': 'd', '${X-d}': 'd', '${E:-d}': 'd', '${E-d}': '', '${A:-d}': 'archive.tar.gz', '${X:+d}': '', '${X+d}': '', '${E:+d}': '', '${E+d}': 'd', '${A:+d}': 'd', '${A:?no}': 'archive.tar.gz', '${E?no}': '',
    '${A#*.}': 'tar.gz', '${A##*.}': 'gz', '${A%.*}': 'archive.tar', '${A%%.*}': 'archive', '${A#x}': 'archive.tar.gz', '${A#a?c}': 'hive.tar.gz', '${P##*/}': 'c', '${P%/*}': '/a/b', '${STAR#a\\*}': 'b?c', '${STAR%\\?c}': 'a*b', '${A#*}': 'archive.tar.gz', '${A##*}': '',
    '${A/a/b}': 'brchive.tar.gz', '${A//a/b}': 'brchive.tbr.gz', '${A/.*/}': 'archive', '${P//\\//-}': '-a-b-c', '${A/x/y}': 'archive.tar.gz', '${N/4*/x}': 'x', '${X:-${E:-${N}}}': '42', '${X:-"}"}': '}', '${X#a}': '',
  };
  for (const [source, expected] of Object.entries(table)) assert.equal(text(source), expected, source);
});

test('expand() splits into words where nothing is quoted', () => {
  const table: Readonly<Record<string, readonly string[]>> = { 'a b': ['a', 'b'], '$S x': ['two', 'words', 'x'], '"$S" x': ['two words', 'x'], 'a\\ b': ['a b'], '""': [], " 'a  b'c ": ['a  bc'], $E: [], 'x$S': ['xtwo', 'words'] };
  for (const [source, words] of Object.entries(table)) assert.deepEqual(expand(source, lookup).words, words, source);
});

test('expand() keeps quotes, escapes and unset names where it is told to', () => {
  assert.equal(text('"$A" \'b\'', { keepQuotes: true }), '"archive.tar.gz" \'b\'');
  assert.equal(text('\\a', { keepEscapes: true }), '\\a');
  assert.equal(text('"$A" \'$N\'', { plainQuotes: true }), '"archive.tar.gz" \'42\'');
  assert.equal(text('$X ${X} ${X:-a} ${X#b} ${X/c/d}', { keepUnset: true }), '$X ${X} ${X:-a} ${X#b} ${X/c/d}');
  assert.equal(text('`$A c:\\dir', { escape: '`' }), '$A c:\\dir');
});

test('expand() tells which names it met', () => {
  const { matched, unmatched } = expand('$A ${X:-$Y} $N', lookup);
  assert.deepEqual([[...matched], [...unmatched]], [['A', 'N'], ['Y', 'X']]);
});

test('expand() refuses in the words of BuildKit', () => {
  const table: Readonly<Record<string, string>> = {
    '"a': 'unexpected end of statement while looking for matching double-quote', "'a": 'unexpected end of statement while looking for matching single-quote', '${': "syntax error: missing '}'", '${A': "syntax error: missing '}'",
    '${}': 'syntax error: bad substitution', '${:a}': 'syntax error: bad substitution', '${A!b}': 'unsupported modifier (!) in substitution', '${A:b}': 'unsupported modifier (:b) in substitution', '${X:?}': 'X: is not allowed to be unset', '${E:?}': 'E: is not allowed to be empty',
    '${X?set it}': 'X: set it', '${A#\\q}': "invalid pattern (\\q) in substitution: invalid escape '\\q'", '${A/b}': "syntax error: missing '/' in ${}",
  };
  for (const [source, message] of Object.entries(table)) assert.throws(() => expand(source, lookup), (error: unknown) => error instanceof DockerfileError && error.message === `failed to process ${JSON.stringify(source)}: ${message}`, source);
});

const piece = fc.constantFrom('$', '{', '}', '"', "'", '\\', ':', '-', '+', '?', '#', '%', '/', '*', 'A', 'S', 'X', 'E', ' ', 'a', 'é');

test('expand() fails foreseen, or not at all, whatever it is given', () => {
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
    try { expand(pieces.join(''), lookup); } catch (error) { assert.ok(error instanceof DockerfileError, String(error)); }
  }), { numRuns: 3000 });
});

test('expand() gives back what was quoted', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '$', '"', '\\', ' ', '{', '}', 'é', '*') }), (value) => {
    assert.equal(text(`'${value}'`), value);
    assert.equal(text(`"${value.replace(/["\\$]/g, '\\$&')}"`), value);
    assert.equal(expand('$V', () => value).text, value);
  }), { numRuns: 500 });
});

/** The regular expression that BuildKit makes of a pattern, as an oracle. */
function asRegExp(pattern: string, longest: boolean): string {
  return pattern.replace(/[.+()|^$[\]{}]/g, '\\$&').replaceAll('?', '.').replaceAll('*', longest ? '.*' : '.*?');
}

test('expand() takes the same beginning, end and middle as a regular expression', () => {
  const characters = { unit: fc.constantFrom('a', 'b', '.', '*', '?') };
  const plain = { unit: fc.constantFrom('a', 'b', '.') };
  fc.assert(fc.property(fc.string({ ...plain, maxLength: 8 }), fc.string({ ...characters, maxLength: 5, minLength: 1 }), (value, pattern) => {
    const get = (): string => value;
    assert.equal(expand(`\${V#${pattern}}`, get).text, value.replace(new RegExp(`^${asRegExp(pattern, false)}`), ''));
    assert.equal(expand(`\${V##${pattern}}`, get).text, value.replace(new RegExp(`^${asRegExp(pattern, true)}`), ''));
    assert.equal(expand(`\${V%%${pattern}}`, get).text, value.replace(new RegExp(`${asRegExp(pattern, true)}$`), ''));
    assert.equal(expand(`\${V/${pattern}/-}`, get).text, value.replace(new RegExp(asRegExp(pattern, true)), '-'));
  }), { numRuns: 3000 });
});

test('expand() is not slowed down by stars', () => {
  const startedAt = spentMs();
  expand(`\${V%${'*a'.repeat(40)}*b}`, () => 'a'.repeat(20_000));
  assert.throws(() => expand('${X:-'.repeat(20_000), lookup), DockerfileError);
  assert.ok(spentMs() - startedAt < 2000);
});
