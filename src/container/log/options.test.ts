import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { parseLogConfig } from './options.ts';

const parse = (Type: string, Config: Record<string, string>) => parseLogConfig({ Type, Config });

/** What dockerd 28.5 says to the same options; some of it only at the start. */
const refusals: readonly (readonly [driver: string, options: Record<string, string>, message: string])[] = [
  ['json-file', { foo: 'bar' }, 'unknown log opt \'foo\' for json-file log driver'],
  ['local', { tag: 'x' }, 'unknown log opt \'tag\' for log driver local'],
  ['json-file', { mode: 'foo' }, 'logger: logging mode not supported: foo'],
  ['local', { 'max-buffer-size': '1m' }, 'logger: max-buffer-size option is only supported with \'mode=non-blocking\''],
  ['json-file', { mode: 'blocking', 'max-buffer-size': '1m' }, 'logger: max-buffer-size option is only supported with \'mode=non-blocking\''],
  ['json-file', { mode: 'non-blocking', 'max-buffer-size': 'zz' }, 'error parsing option max-buffer-size: invalid size: \'zz\''],
  ['json-file', { 'max-size': 'abc' }, 'invalid size: \'abc\''],
  ['json-file', { 'max-size': '1kk' }, 'invalid suffix: \'kk\''],
  ['json-file', { 'max-size': '0' }, 'max-size must be a positive number'],
  ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
  ['json-file', { 'max-file': 'x' }, 'strconv.Atoi: parsing "x": invalid syntax'],
  ['json-file', { compress: 'true', 'max-file': '1' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
  ['json-file', { compress: 'yup' }, 'strconv.ParseBool: parsing "yup": invalid syntax'],
  ['local', { 'max-size': 'abc' }, 'invalid value for max-size: abc: invalid size: \'abc\''],
  ['local', { 'max-file': 'x' }, 'invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax'],
  ['local', { compress: 'zz' }, 'error reading compress log option: strconv.ParseBool: parsing "zz": invalid syntax'],
  ['local', { 'max-file': '1' }, 'compression cannot be enabled when max file count is 1'],
  ['nosuch', {}, 'error looking up logging plugin nosuch: plugin "nosuch" not found'],
];

for (const [driver, options, message] of refusals) {
  test(`parseLogConfig() refuses ${driver} ${JSON.stringify(options)} in dockerd's words`, () => {
    assert.throws(() => parse(driver, options), (error) => isFail(error, 'invalid') && error.message === message);
  });
}

test('parseLogConfig() reads sizes, counts and modes', () => {
  assert.deepEqual(parse('', {}), { driver: 'json-file', limits: { sizeBytesMax: 20_000_000, filesMax: 3, compress: false }, lagBytesMax: undefined });
  assert.deepEqual(parse('local', {}).limits, { sizeBytesMax: 20_000_000, filesMax: 5, compress: true });
  assert.deepEqual(parse('local', { 'max-size': '1.5k', 'max-file': '2', compress: 'F' }).limits, { sizeBytesMax: 1500, filesMax: 2, compress: false });
  assert.equal(parse('json-file', { 'max-size': '-1' }).limits.sizeBytesMax, Infinity);
  assert.equal(parse('json-file', { mode: 'non-blocking' }).lagBytesMax, 1_000_000);
  assert.equal(parse('local', { mode: 'non-blocking', 'max-buffer-size': '64k' }).lagBytesMax, 64_000);
  assert.equal(parse('none', { any: 'thing' }).driver, 'none');
});
