import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagError } from '../flags.ts';
import { parseSecret, parseSsh } from './session.ts';

test('parseSecret() reads what buildx reads, and refuses the rest in words', () => {
  assert.deepEqual(parseSecret('id=a,src=/f'), { id: 'a', source: { file: '/f' } });
  assert.deepEqual(parseSecret('id=a,source=f,type=file'), { id: 'a', source: { file: 'f' } });
  assert.deepEqual(parseSecret('id=a,env=V'), { id: 'a', source: { variable: 'V' } });
  assert.deepEqual(parseSecret('type=env,id=a'), { id: 'a', source: { variable: 'a' } });
  assert.deepEqual(parseSecret('id=a'), { id: 'a', source: undefined });
  for (const [words, pattern] of [['a', /must be a key=value pair/], ['src=f', /needs an id/], ['id=a,src=f,env=V', /not from both/], ['id=a,mode=3', /unexpected key 'mode'/], ['id=a,type=x', /it is file or env/]] as const) {
    assert.throws(() => parseSecret(words), (error) => error instanceof FlagError && pattern.test(error.message), words);
  }
});

test('parseSsh() reads a name, a socket, keys', () => {
  assert.deepEqual(parseSsh('default'), { id: 'default', paths: [] });
  assert.deepEqual(parseSsh('git=/a,/b'), { id: 'git', paths: ['/a', '/b'] });
  assert.throws(() => parseSsh('=x'), FlagError);
});
