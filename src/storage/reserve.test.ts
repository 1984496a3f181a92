import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { recordKernel } from '../kernel/fake.ts';
import { Reserve } from './reserve.ts';

test('Reserve is given up piece by piece, and renewed when there is space again', () => {
  const dir = mkdtempSync(`${tmpdir()}/estiva-reserve-`);
  const reserve = new Reserve(dir);
  const sizeBytes = (): number | undefined => statSync(`${dir}/reserve`, { throwIfNoEntry: false })?.size;
  const whole = sizeBytes()!;
  assert.equal(reserve.giveUp(), true);
  const left = sizeBytes()!;
  assert.ok(left > 0 && left < whole, 'others can take no more than a piece');
  for (let pieces = whole / (whole - left) - 1; pieces > 0; pieces--) assert.equal(reserve.giveUp(), true);
  assert.deepEqual([reserve.giveUp(), sizeBytes()], [false, undefined]);
  {
    using kernel = recordKernel();
    kernel.failNth('fallocate', 1, 'ENOSPC');
    reserve.renew();
    assert.equal(sizeBytes(), undefined);
  }
  reserve.renew();
  assert.equal(sizeBytes(), whole);
  assert.equal(new Reserve(dir).giveUp(), true, 'the next engine has it');
  rmSync(dir, { recursive: true });
});
