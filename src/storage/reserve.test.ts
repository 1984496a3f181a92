import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { recordKernel } from '../kernel/fake.ts';
import { Reserve } from './reserve.ts';

test('Reserve is given up once, and renewed when there is space again', () => {
  const dir = mkdtempSync(`${tmpdir()}/estiva-reserve-`);
  const reserve = new Reserve(dir);
  assert.ok(existsSync(`${dir}/reserve`));
  assert.equal(reserve.giveUp(), true);
  assert.equal(reserve.giveUp(), false);
  {
    using kernel = recordKernel();
    kernel.failNth('fallocate', 1, 'ENOSPC');
    reserve.renew();
    assert.ok(!existsSync(`${dir}/reserve`));
  }
  reserve.renew();
  assert.ok(existsSync(`${dir}/reserve`));
  rmSync(dir, { recursive: true });
});
