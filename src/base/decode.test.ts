import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJson, dictionary, fieldOf, flag, integer, list, nullable, object, optional, text, withDefault } from './decode.ts';
import { isFail } from './errors.ts';

interface Ship { readonly Name: string; readonly Length: number; readonly Sails: boolean; readonly Crew: readonly string[]; readonly Port: string | null; readonly Flag?: string }
const ship = object<Ship>({ Name: text, Length: integer, Sails: flag, Crew: list(text), Port: nullable(text), Flag: optional(text) });

test('object() matches keys without regard to case, ignores unknown ones and fills in zero values', () => {
  assert.deepEqual(decodeJson('{"name":"Santa","LENGTH":20,"Cannons":7,"Crew":null}', ship), { Name: 'Santa', Length: 20, Sails: false, Crew: [], Port: null });
});

test('object() lets the last of two spellings win', () => {
  assert.equal(decodeJson('{"Name":"a","name":"b"}', ship).Name, 'b');
});

test('decoders name the path of what is wrong', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"Length":"x"}', 'Length: expected an integer'], ['{"Length":1.5}', 'Length: expected an integer'], ['{"Length":1e300}', 'Length: expected an integer'],
    ['{"Crew":["a",7]}', 'Crew[1]: expected a string'], ['{"Crew":"a"}', 'Crew: expected a list'], ['{"Sails":1}', 'Sails: expected true or false'],
    ['[]', 'invalid JSON: expected an object'], ['7', 'invalid JSON: expected an object'],
  ];
  for (const [json, message] of cases) assert.throws(() => decodeJson(json, ship), (error) => isFail(error, 'invalid') && error.message === message);
});

test('decodeJson() refuses garbage after the value', () => {
  for (const json of ['{}{', '}{', '', '{"Name":']) assert.throws(() => decodeJson(json, ship), (error) => isFail(error, 'invalid'));
});

test('dictionary() keeps keys as they are, even __proto__', () => {
  const labels = decodeJson('{"a.B":"c","__proto__":"d"}', dictionary(text));
  assert.deepEqual(Object.entries(labels), [['a.B', 'c'], ['__proto__', 'd']]);
});

test('withDefault() stands in for zero values only', () => {
  assert.equal(withDefault(integer, 7)(0, ''), 7);
  assert.equal(withDefault(text, 'no')('yes', ''), 'yes');
});

test('fieldOf() finds a key in any case', () => {
  assert.equal(fieldOf({ hostconfig: 1 }, 'HostConfig'), 1);
  assert.equal(fieldOf(null, 'x'), undefined);
});
