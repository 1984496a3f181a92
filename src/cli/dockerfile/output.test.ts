// --output and what is short for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseOutput } from './output.ts';

const none = { output: [], load: false, push: false, annotation: [] };

test('chooseOutput() reads buildx\'s words', () => {
  assert.equal(chooseOutput(none), undefined);
  assert.equal(chooseOutput({ ...none, load: true }), undefined);
  const of = (text: string) => chooseOutput({ ...none, output: [text] });
  assert.deepEqual(of('out'), { type: 'local', dest: 'out', attributes: {} });
  assert.deepEqual(of('-'), { type: 'tar', dest: '-', attributes: {} });
  assert.deepEqual(of('type=tar'), { type: 'tar', dest: '-', attributes: {} });
  assert.deepEqual(of('type=image,"name=a,b",push=true'), { type: 'image', dest: undefined, attributes: { name: 'a,b', push: 'true' } });
  assert.deepEqual(of('type=docker,name=a'), { type: 'image', dest: undefined, attributes: { name: 'a' } });
  assert.deepEqual(of('type=docker,dest=x.tar'), { type: 'docker', dest: 'x.tar', attributes: {} });
  assert.deepEqual(chooseOutput({ ...none, push: true }), { type: 'image', dest: undefined, attributes: { push: 'true' } });
  assert.deepEqual(chooseOutput({ ...none, output: ['type=oci,dest=x'], annotation: ['manifest:a=b', 'c=d=e'] })?.attributes, { 'annotation.a': 'b', 'annotation.c': 'd=e' });
});

test('chooseOutput() refuses what does not go together', () => {
  for (const output of ['dest=x,y=z', 'type=local', 'type=local,dest=-', 'type=oci,nothing', 'type=image,dest=x']) assert.throws(() => chooseOutput({ ...none, output: [output] }), /^Exit: ERROR: /, output);
  assert.throws(() => chooseOutput({ ...none, load: true, push: true }), /one output/);
  assert.throws(() => chooseOutput({ ...none, annotation: ['a=b'] }), /can carry it/);
  assert.throws(() => chooseOutput({ ...none, output: ['type=oci'], annotation: ['novalue'] }), /expected key=value/);
});
