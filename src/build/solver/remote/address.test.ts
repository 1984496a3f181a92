// Addresses of what stands elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNameOf, parseRemote, parseRemoteContext } from './address.ts';

test('parseRemote() tells repositories from files, and paths from both', () => {
  const git = (url: string, ref?: string, subdir = '', commit?: string) => ({ kind: 'git', url, ref, subdir, commit });
  const cases: readonly (readonly [string, object | undefined])[] = [
    ['a/b.txt', undefined], ['git/x', undefined], ['https.txt', undefined], ['http://h/a.txt', { kind: 'http', url: new URL('http://h/a.txt') }], ['https://h/a.git.tar', { kind: 'http', url: new URL('https://h/a.git.tar') }],
    ['https://h/r.git', git('https://h/r.git')], ['https://h/r.git#v1', git('https://h/r.git', 'v1')], ['https://h/r.git#v1:docs/', git('https://h/r.git', 'v1', 'docs')], ['https://h/r.git#:docs', git('https://h/r.git', undefined, 'docs')],
    ['git@h:o/r.git#main', git('git@h:o/r.git', 'main')], ['git@h:o/r', git('git@h:o/r')], ['ssh://u@h:22/r#x', git('ssh://u@h:22/r', 'x')], ['git://h/r', git('git://h/r')],
    ['https://h/r.git?branch=b&subdir=d', git('https://h/r.git', 'refs/heads/b', 'd')], ['https://h/r.git?tag=t', git('https://h/r.git', 'refs/tags/t')], ['https://h/r.git?checksum=0123456789', git('https://h/r.git', undefined, '', '0123456789')],
    ['https://h/r.git#v1:../../etc', git('https://h/r.git', 'v1', 'etc')],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseRemote(text), expected, text);
  assert.deepEqual(parseRemoteContext('github.com/o/r#b'), git('https://github.com/o/r.git', 'b'));
  assert.deepEqual(parseRemoteContext('github.com/o/r.git'), git('https://github.com/o/r.git'));
  assert.equal(parseRemoteContext('./github.com/x'), undefined);
});

test('parseRemote() refuses references that git would take for something else', () => {
  for (const text of ['https://h/r.git#--upload-pack=x', 'https://h/r.git#a..b', 'https://h/r.git#a b', 'git@h:o/r#a\0b', 'https://h/r.git?nope=1', 'https://h/r.git?checksum=xyz', 'http://']) assert.throws(() => parseRemote(text), /invalid|unexpected/, text);
});

test('fileNameOf() takes the end of the address, else what the server says, and never a path', () => {
  const cases: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['http://h/a/b%20c.txt?x=/y', 'attachment; filename="z"', 'b c.txt'], ['http://h/', 'attachment; filename="a/../../b.txt"', 'b.txt'], ['http://h/d/', "attachment; filename*=UTF-8''%e2%82%ac.txt; filename=x", '€.txt'],
    ['http://h/', undefined, undefined], ['http://h/%2e%2e%2f..', undefined, undefined], ['http://h/a%2Fb', undefined, 'b'], ['http://h/100%', undefined, '100%'], ['http://h/', 'attachment; filename=x.bin', 'x.bin'],
  ];
  for (const [url, disposition, expected] of cases) assert.equal(fileNameOf(new URL(url), disposition), expected, url);
});
