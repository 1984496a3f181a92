import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { hostArchitecture, stubHex, stubSourceArm64, stubSourceX64, type Architecture } from './stub.ts';

const tools = {
  x64: { source: stubSourceX64, prefix: process.arch === 'x64' ? '' : 'x86_64-linux-gnu-' },
  arm64: { source: stubSourceArm64, prefix: process.arch === 'arm64' ? '' : 'aarch64-linux-gnu-' },
} as const;

for (const architecture of ['x64', 'arm64'] as const) {
  test(`stubHex.${architecture} is what an assembler makes of the source`, (t) => {
    const hex = assembled(architecture);
    if (hex === undefined) return t.skip(`no ${tools[architecture].prefix}as on this machine`);
    assert.equal(stubHex[architecture], hex);
  });
}

function assembled(architecture: Architecture): string | undefined {
  const { source, prefix } = tools[architecture];
  if (spawnSync(`${prefix}as`, ['--version']).status !== 0) return undefined;
  const dir = mkdtempSync(`${tmpdir()}/estiva-stub-`);
  try {
    writeFileSync(`${dir}/stub.s`, source);
    assert.equal(spawnSync(`${prefix}as`, [`${dir}/stub.s`, '-o', `${dir}/stub.o`]).status, 0);
    assert.equal(spawnSync(`${prefix}objcopy`, ['-O', 'binary', '-j', '.text', `${dir}/stub.o`, `${dir}/stub.bin`]).status, 0);
    return readFileSync(`${dir}/stub.bin`).toString('hex');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('hostArchitecture() names a processor that the stub knows', () => {
  assert.ok(stubHex[hostArchitecture()].length > 200);
});
