import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { staticElf } from './elf.ts';
import { assemble, type Step } from './program.ts';
import { type Architecture, hostArchitecture } from './stub.ts';

const qemu = '/usr/bin/qemu-aarch64-static';
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'estiva-elf-'));
});
after(() => rmSync(folder, { recursive: true }));

function run(steps: readonly Step[], architecture: Architecture): { readonly stdout: string; readonly status: number | null } {
  const file = join(folder, `program-${architecture}`);
  writeFileSync(file, staticElf(assemble(steps, architecture), architecture), { mode: 0o755 });
  const isNative = architecture === hostArchitecture();
  return spawnSync(isNative ? file : qemu, isNative ? [] : [file], { encoding: 'utf8', timeout: 10_000 });
}

for (const architecture of ['x64', 'arm64'] as const) {
  const canRun = architecture === hostArchitecture() || (architecture === 'arm64' && existsSync(qemu));
  const skip = canRun ? false : `No way to run ${architecture} programs here (Debian: qemu-user-static)`;

  test(`staticElf() runs the program on ${architecture} and ends with 0 after it`, { skip }, () => {
    const { stdout, status } = run([{ call: 'write', args: [1, 'ahoy\n', 5] }], architecture);
    assert.deepEqual({ stdout, status }, { stdout: 'ahoy\n', status: 0 });
  });

  test(`staticElf() gives the program zeroed spaces, results and jumps on ${architecture}`, { skip }, () => {
    const space = { space: 'room', sizeBytes: 100_000 };
    const { stdout, status } = run([
      { call: 'write', args: [1, { ...space, offset: 99_992 }, 8], label: 'zeros' },
      { call: 'write', args: [1, 'abcdefghijkl', { resultOf: 'zeros' }], onPositive: { goto: 'end' } },
      { call: 'exit_group', args: [1] },
      { call: 'exit_group', args: [7], label: 'end' },
    ], architecture);
    assert.deepEqual({ stdout, status }, { stdout: '\0\0\0\0\0\0\0\0abcdefgh', status: 7 });
  });
}
