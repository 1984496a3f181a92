import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembled, toolPrefix } from './assembler.fixture.ts';
import { hostArchitecture, stubHex, stubSourceArm64, stubSourceX64 } from './stub.ts';

for (const [architecture, source] of [['x64', stubSourceX64], ['arm64', stubSourceArm64]] as const) {
  test(`stubHex.${architecture} is what an assembler makes of the source`, (t) => {
    const hex = assembled(source, architecture);
    if (hex === undefined) return t.skip(`no ${toolPrefix[architecture]}as on this machine`);
    assert.equal(stubHex[architecture], hex);
  });
}

test('hostArchitecture() names a processor that the stub knows', () => {
  assert.ok(stubHex[hostArchitecture()].length > 200);
});
