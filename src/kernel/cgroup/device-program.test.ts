import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceRule } from '../../spec/oci/runtime.ts';
import { code, deviceProgram, encodeProgram, type Instruction } from './device-program.ts';
import { devicePolicy } from './devices.ts';

/** The few BPF instructions that device programs use, on a context of three words. Independent of the generator: it knows only the codes. */
function run(program: readonly Instruction[], context: readonly number[]): number {
  const registers = Array.from({ length: 11 }, () => 0);
  for (let at = 0; at < program.length; at++) {
    const { code: operation, target = 0, source = 0, offset = 0, immediate = 0 } = program[at]!;
    if (operation === code.exit) return registers[0]!;
    else if (operation === code.loadWord) registers[target] = context[offset / 4]!;
    else if (operation === code.move) registers[target] = immediate;
    else if (operation === code.moveRegister) registers[target] = registers[source]!;
    else if (operation === code.and32) registers[target] = (registers[target]! & immediate) >>> 0;
    else if (operation === code.shiftRight32) registers[target] = registers[target]! >>> immediate;
    else if (operation === code.jumpIfEqual) at += registers[target] === immediate ? offset : 0;
    else if (operation === code.jumpUnlessEqual) at += registers[target] === immediate ? 0 : offset;
    else throw new Error(`Unknown instruction ${operation}`);
  }
  throw new Error('The program has no end');
}

const bits = { m: 1, r: 2, w: 4 } as const;

/** `c 1:3 rw` */
function allows(rules: readonly DeviceRule[], request: string): boolean {
  const [type, numbers = '', access = ''] = request.split(' ');
  const [major = 0, minor = 0] = numbers.split(':').map(Number);
  const wanted = access.split('').reduce((sum, letter) => sum | bits[letter as keyof typeof bits], 0);
  return run(deviceProgram(devicePolicy(rules)), [(wanted << 16) | (type === 'b' ? 1 : 2), major, minor]) === 1;
}

const few: readonly DeviceRule[] = [
  { allow: false }, { allow: true, type: 'c', access: 'm' }, { allow: true, type: 'c', major: 1, minor: 3 }, { allow: true, type: 'c', major: 136 }, { allow: true, type: 'b', major: 8, minor: 1, access: 'r' },
];
const most: readonly DeviceRule[] = [{ allow: true }, { allow: false, type: 'c', major: 1, minor: 5, access: 'rwm' }, { allow: false, type: 'b', minor: 7, access: 'w' }];

const answers: readonly [rules: readonly DeviceRule[], request: string, expected: boolean][] = [
  [few, 'c 1:3 rw', true], [few, 'c 1:3 rwm', true], [few, 'c 1:5 r', false], [few, 'c 1:5 m', true], [few, 'c 1:5 rm', false], [few, 'c 136:9 rw', true],
  [few, 'b 8:1 r', true], [few, 'b 8:1 w', false], [few, 'b 8:1 rw', false], [few, 'b 8:0 r', false], [few, 'b 1:3 r', false], [few, 'b 8:1 m', false],
  [most, 'c 1:5 r', false], [most, 'c 1:5 m', false], [most, 'c 1:3 rw', true], [most, 'b 3:7 r', true], [most, 'b 3:7 rw', false], [most, 'b 3:8 rw', true],
  [[], 'c 1:1 rwm', true], [[{ allow: false }], 'c 1:3 r', false],
];
for (const [rules, request, expected] of answers) {
  test(`deviceProgram() of ${rules === few ? 'few' : rules === most ? 'most' : JSON.stringify(rules)} ${expected ? 'allows' : 'denies'} ${request}`, () => assert.equal(allows(rules, request), expected));
}

test('encodeProgram() writes eight bytes an instruction, the target register in the low half', () => {
  const bytes = encodeProgram([{ code: code.loadWord, target: 2, source: 1, offset: 4 }, { code: code.jumpUnlessEqual, target: 3, offset: -2, immediate: -1 }]);
  assert.equal(Buffer.from(bytes).toString('hex'), '61120400000000005503feffffffffff');
});
