// The quick way says the same as the slow one, whatever the bytes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import wabt from 'wabt';
import { encodeEntries } from './encode.ts';
import { encodeLines, moduleBase64 } from './json-lines.ts';

const time = '2026-11-24T08:00:00.123456789Z';

function assertSame(raw: Buffer, details = ''): void {
  const quick = encodeLines(raw, 'stdout', time, details);
  assert.ok(quick !== undefined, 'the quick way knows it');
  assert.equal(Buffer.from(quick).toString('latin1'), encodeEntries(raw, 'stdout', time, details));
}

test('encodeLines() is what json-lines.wat says', async () => {
  const module = (await wabt()).parseWat('json-lines.wat', readFileSync(`${import.meta.dirname}/json-lines.wat`, 'utf8'), { simd: true });
  module.validate();
  assert.equal(Buffer.from(module.toBinary({}).buffer).toString('base64'), moduleBase64, 'assemble it again, and put it here');
});

test('encodeLines() writes what encodeEntries() writes: every byte below 128 at every place in a block', () => {
  for (let byte = 0; byte < 128; byte++) for (let at = 0; at < 34; at++) {
    const raw = Buffer.alloc(35, 'x');
    raw[at] = byte;
    if (byte !== 10) assertSame(raw);
    raw[34] = 10;
    assertSame(raw);
  }
});

test('encodeLines() writes what encodeEntries() writes: any text, any lines', () => {
  const text = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('\n', '\n\n', '"', '\\', '<&>', '\r\n', '\0', '\x7f', 'é', '漢', '😀')), { maxLength: 30 }).map((parts) => parts.join(''));
  fc.assert(fc.property(text, fc.constantFrom('', ',"attrs":{"a":"b"}'), (line, details) => {
    // Whole lines, or one piece without a newline.
    const raw = Buffer.from(line.includes('\n') ? `${line}\n` : line);
    fc.pre(raw.length > 0 && raw.indexOf(Buffer.from([0xe2, 0x80])) < 0);
    assertSame(raw, details);
  }), { numRuns: 300 });
});

test('encodeLines() leaves to the slow way what is no UTF-8, line separators of Unicode, and what is too long', () => {
  for (const raw of [Buffer.from([0xff, 10]), Buffer.from('a\u2028b\n'), Buffer.alloc(1 << 20, 'x')]) assert.equal(encodeLines(raw, 'stderr', time, ''), undefined);
  assert.equal(encodeLines(Buffer.from('x\n'), 'stderr', time, `,"attrs":{"a":"${'b'.repeat(5000)}"}`), undefined);
  assertSame(Buffer.alloc(80_000, '\n'));
});
