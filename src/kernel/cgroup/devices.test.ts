import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import type { DeviceRule } from '../../spec/oci/runtime.ts';
import { devicePolicy, exceptionText } from './devices.ts';

const textOf = (rules: readonly DeviceRule[]): string => {
  const { allowsByDefault, exceptions } = devicePolicy(rules);
  return [allowsByDefault ? 'all' : 'none', ...exceptions.map(exceptionText)].join(', ');
};

const cases: readonly [name: string, rules: readonly DeviceRule[], expected: string][] = [
  ['no rules allow all', [], 'all'],
  ['a rule without type and numbers is about all', [{ allow: false, access: 'rwm' }], 'none'],
  ['later rules for all forget earlier ones', [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }, { allow: true, type: 'a' }], 'all'],
  ['absent numbers mean every one', [{ allow: false }, { allow: true, type: 'c', access: 'm' }, { allow: true, type: 'c', major: 136 }], 'none, c *:* m, c 136:* rwm'],
  ['accesses of the same device add up', [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3, access: 'r' }, { allow: true, type: 'c', major: 1, minor: 3, access: 'w' }], 'none, c 1:3 rw'],
  ['a later rule takes back what an earlier one gave', [{ allow: false }, { allow: true, type: 'b', major: 8, minor: 0 }, { allow: false, type: 'b', major: 8, minor: 0, access: 'w' }], 'none, b 8:0 rm'],
  ['what is taken back wholly is gone', [{ allow: false }, { allow: true, type: 'b', major: 8, minor: 0, access: 'r' }, { allow: false, type: 'b', major: 8, minor: 0 }], 'none'],
  ['exceptions from "all" are denials', [{ allow: true }, { allow: false, type: 'c', major: 10, minor: 200, access: 'rw' }], 'all, c 10:200 rw'],
];
for (const [name, rules, expected] of cases) test(`devicePolicy() ${name}`, () => assert.equal(textOf(rules), expected));

const refused: readonly [name: string, rules: readonly DeviceRule[]][] = [
  ['numbers with type "a"', [{ allow: true, type: 'a', major: 1 }]],
  ['a part of every access with type "a"', [{ allow: true, type: 'a', access: 'r' }]],
  ['an unknown access', [{ allow: true, type: 'c', access: 'rx' }]],
  ['no access', [{ allow: true, type: 'c', access: '' }]],
  ['a number beyond the kernel\'s', [{ allow: true, type: 'c', major: 4096 }]],
  ['a fraction', [{ allow: true, type: 'c', major: 1, minor: 0.5 }]],
  ['a hole in a wider rule', [{ allow: false }, { allow: true, type: 'c', major: 1 }, { allow: false, type: 'c', major: 1, minor: 3 }]],
];
for (const [name, rules] of refused) test(`devicePolicy() refuses ${name}`, () => assert.throws(() => devicePolicy(rules), (error) => isFail(error, 'invalid')));
