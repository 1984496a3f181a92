// libseccomp as an oracle for tests: the filter that it makes of a profile when it is driven as runc drives it. Reached through node:ffi where
// the library is installed (Debian has it wherever apt or systemd are).
import { createRequire } from 'node:module';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import type * as nodeFfi from 'node:ffi';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Seccomp, SeccompArgument, SeccompCompare } from '../../spec/oci/runtime.ts';
import type { Abi } from './abi.ts';
import { verdictOf } from './verdict.ts';

export interface Oracle {
  /** The number of a call; negative where the library has none, for it or for that ABI. */
  readonly numberOf: (name: string, abi: Abi) => number;
  readonly compile: (profile: Seccomp, family: readonly Abi[]) => Uint8Array;
}

const optimizeAttribute = 8; // SCMP_FLTATR_CTL_OPTIMIZE
const nameUnknown = -1; // __NR_SCMP_ERROR
const token = (abi: Abi): number => (abi.name === 'SCMP_ARCH_X32' ? 0x4000_003e : abi.audit);
const compareNumber: Readonly<Record<SeccompCompare, number>> = {
  SCMP_CMP_NE: 1, SCMP_CMP_LT: 2, SCMP_CMP_LE: 3, SCMP_CMP_EQ: 4, SCMP_CMP_GE: 5, SCMP_CMP_GT: 6, SCMP_CMP_MASKED_EQ: 7,
};

/** The oracle, or the reason why there is none. */
export function openOracle(): Oracle | string {
  try {
    return makeOracle();
  } catch (error) {
    return `libseccomp.so.2 cannot be used: ${String(error)}`;
  }
}

function makeOracle(): Oracle {
  // Not an import, so that a Node without node:ffi skips instead of failing to load.
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof nodeFfi;
  const { functions: lib } = ffi.dlopen('libseccomp.so.2', {
    seccomp_init: { return: 'pointer', arguments: ['u32'] },
    seccomp_release: { arguments: ['pointer'] },
    seccomp_arch_native: { return: 'u32', arguments: [] },
    seccomp_arch_add: { return: 'i32', arguments: ['pointer', 'u32'] },
    seccomp_arch_remove: { return: 'i32', arguments: ['pointer', 'u32'] },
    seccomp_attr_set: { return: 'i32', arguments: ['pointer', 'i32', 'u32'] },
    seccomp_syscall_resolve_name: { return: 'i32', arguments: ['string'] },
    seccomp_syscall_resolve_name_arch: { return: 'i32', arguments: ['u32', 'string'] },
    seccomp_rule_add_array: { return: 'i32', arguments: ['pointer', 'u32', 'i32', 'u32', 'buffer'] },
    seccomp_export_bpf: { return: 'i32', arguments: ['pointer', 'i32'] },
  });
  const check = (call: string, result: number): void => {
    if (result !== 0) throw new Error(`${call}: ${result}`);
  };
  return {
    numberOf: (name, abi) => lib.seccomp_syscall_resolve_name_arch(token(abi), name),
    compile: (profile, family) => {
      const otherwise = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
      const context = lib.seccomp_init(otherwise);
      check('optimize', lib.seccomp_attr_set(context, optimizeAttribute, 1));
      for (const abi of family) if (token(abi) !== lib.seccomp_arch_native()) check('arch_add', lib.seccomp_arch_add(context, token(abi)));
      if (family.every((abi) => token(abi) !== lib.seccomp_arch_native())) check('arch_remove', lib.seccomp_arch_remove(context, lib.seccomp_arch_native()));
      for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
        const verdict = verdictOf(action, errnoRet);
        if (verdict === otherwise) continue;
        const isTwice = new Set(args.map((arg) => arg.index)).size < args.length;
        for (const name of names.filter((each) => lib.seccomp_syscall_resolve_name(each) !== nameUnknown)) {
          for (const set of isTwice ? args.map((arg) => [arg]) : [args]) {
            check(`rule_add ${name}`, lib.seccomp_rule_add_array(context, verdict, lib.seccomp_syscall_resolve_name(name), set.length, encode(set)));
          }
        }
      }
      const program = exported((fd) => check('export_bpf', lib.seccomp_export_bpf(context, fd)));
      lib.seccomp_release(context);
      return program;
    },
  };
}

/** struct scmp_arg_cmp[] of seccomp.h: u32 argument, u32 comparison, u64 datum a, u64 datum b. */
function encode(args: readonly SeccompArgument[]): Buffer {
  const bytes = Buffer.alloc(Math.max(1, args.length) * 24);
  for (const [k, { index, op, value, valueTwo = 0 }] of args.entries()) {
    bytes.writeUInt32LE(index, k * 24);
    bytes.writeUInt32LE(compareNumber[op], k * 24 + 4);
    bytes.writeBigUInt64LE(BigInt(value), k * 24 + 8);
    bytes.writeBigUInt64LE(BigInt(valueTwo), k * 24 + 16);
  }
  return bytes;
}

function exported(write: (fd: number) => void): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'estiva-seccomp-'));
  try {
    const fd = openSync(join(folder, 'program'), 'w');
    write(fd);
    closeSync(fd);
    return readFileSync(join(folder, 'program'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
