import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignColumns } from './table.ts';
import { indentJson } from './indent-json.ts';
import { binarySize, humanSize, parseBinarySize } from './units.ts';

test('humanSize() writes as Docker does', () => {
  const seen: readonly (readonly [bytes: number, text: string])[] = [[0, '0B'], [999, '999B'], [1910, '1.91kB'], [1_984_158, '1.98MB'], [77_800_000, '77.8MB'], [999_999, '1e+03kB'], [1_000_000, '1MB'], [4.27e9, '4.27GB']];
  for (const [bytes, text] of seen) assert.equal(humanSize(bytes), text);
  assert.equal(humanSize(1_984_158, 4), '1.984MB');
});

test('binarySize() writes as Docker does', () => {
  assert.equal(binarySize(23.54 * 1024 ** 3), '23.54GiB');
  assert.equal(binarySize(12.3 * 1024 ** 2), '12.3MiB');
});

test('parseBinarySize() reads what Docker reads', () => {
  const seen: readonly (readonly [text: string, bytes: number | undefined])[] = [['64m', 64 * 1024 ** 2], ['1.5g', 1.5 * 1024 ** 3], ['32M', 32 * 1024 ** 2], ['5', 5], ['64kb', 65536], ['1 KiB', 1024], ['x', undefined], ['-1', undefined], ['', undefined]];
  for (const [text, bytes] of seen) assert.equal(parseBinarySize(text), bytes, text);
});

test('alignColumns() leaves three spaces and at least ten columns', () => {
  assert.deepEqual(alignColumns(['REPOSITORY\tTAG\tSIZE', 'busybox\tlatest\t1MB']), ['REPOSITORY   TAG       SIZE', 'busybox      latest    1MB']);
});

test('indentJson() changes nothing but space', () => {
  const json = '[{"a":{},"b":[],"c":[1,{"d":"x{[,:\\"y"}],"n":12345678901234567890,"s":"\\u003c"}]';
  assert.equal(indentJson(json), '[\n    {\n        "a": {},\n        "b": [],\n        "c": [\n            1,\n            {\n                "d": "x{[,:\\"y"\n            }\n        ],\n        "n": 12345678901234567890,\n        "s": "\\u003c"\n    }\n]');
  assert.equal(indentJson(indentJson(json)), indentJson(json));
});
