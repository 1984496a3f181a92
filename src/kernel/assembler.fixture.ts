// An assembler's opinion of machine code: what binutils make of a source, for the tests that compare it with the bytes in the code.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Architecture } from './stub.ts';

/** What stands before the names of binutils for an architecture that is not the host's. */
export const toolPrefix: Readonly<Record<Architecture, string>> = {
  x64: process.arch === 'x64' ? '' : 'x86_64-linux-gnu-',
  arm64: process.arch === 'arm64' ? '' : 'aarch64-linux-gnu-',
};

/** As hex; undefined when this machine has no assembler for it. */
export function assembled(source: string, architecture: Architecture): string | undefined {
  const prefix = toolPrefix[architecture];
  if (spawnSync(`${prefix}as`, ['--version']).status !== 0) return undefined;
  const dir = mkdtempSync(`${tmpdir()}/estiva-assembler-`);
  try {
    writeFileSync(`${dir}/code.s`, source);
    assert.equal(spawnSync(`${prefix}as`, [`${dir}/code.s`, '-o', `${dir}/code.o`]).status, 0);
    assert.equal(spawnSync(`${prefix}objcopy`, ['-O', 'binary', '-j', '.text', `${dir}/code.o`, `${dir}/code.bin`]).status, 0);
    return readFileSync(`${dir}/code.bin`).toString('hex');
  } finally {
    rmSync(dir, { recursive: true });
  }
}
