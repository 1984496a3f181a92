import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpret } from './interpret.ts';
import { describeVerdict } from './verdict.ts';

function program(...instructions: readonly (readonly [code: number, yes: number, no: number, operand: number])[]): Uint8Array {
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [k, [code, yes, no, operand]] of instructions.entries()) {
    bytes.writeUInt16LE(code, k * 8);
    bytes.set([yes, no], k * 8 + 2);
    bytes.writeUInt32LE(operand, k * 8 + 4);
  }
  return bytes;
}

test('interpret() sees both halves of an argument', () => {
  const call = { nr: 0, audit: 0, args: [0n, 0x1234_5678_9abc_def0n] };
  assert.equal(interpret(program([0x20, 0, 0, 24], [0x15, 0, 1, 0x9abc_def0], [0x06, 0, 0, 1], [0x06, 0, 0, 2]), call), 1);
  assert.equal(interpret(program([0x20, 0, 0, 28], [0x15, 0, 1, 0x1234_5678], [0x06, 0, 0, 1], [0x06, 0, 0, 2]), call), 1);
});

test('interpret() refuses programs that the kernel would refuse', () => {
  const call = { nr: 0, audit: 0 };
  assert.throws(() => interpret(program([0x20, 0, 0, 0]), call), /ends without a verdict/);
  assert.throws(() => interpret(program([0xff, 0, 0, 0]), call), /unknown code 0xff/);
  assert.throws(() => interpret(program([0x20, 0, 0, 81]), call), /loads from offset 81/);
});

test('describeVerdict() says the action and its data', () => {
  assert.deepEqual([0x7fff_0000, 0x0005_0026, 0x8000_0000, 0, 0x7ff0_0007, 0x7ffc_0000, 0x0003_0000, 0x1234_0000].map(describeVerdict),
    ['allow', 'errno 38', 'kill process', 'kill thread', 'trace 7', 'log', 'trap', 'unknown 0x12340000']);
});
