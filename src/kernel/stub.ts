// The stub: position-independent machine code that walks a table of system calls (a "program", see program.ts).
// It is the only gate through which Estiva reaches the kernel: in its own process one call at a time or in batches, and in new processes,
// where no JavaScript can run. It touches no libc, no thread-local storage, and no memory but the program's.
//
//   program   +0 i64 error fd · +8..63 spare · +64 ops
//   op, 80 B  +0 i64 number (< 0: return to the caller) · +8 u64 arguments[6]
//             +56 u32 bits 0–5: argument k is the address of its value; bits 8–31: the op's index, for whoever reads an error record
//             +60 u32 flags: 1 ignore an error · 2 jump when the result is > 0 · 4 jump when it is < 0
//             +64 i64 result · +72 i64 jump distance in bytes, from this op
//   An error that no flag speaks of: the op is written to the error fd, and the process ends with 127.
//
// stub.test.ts assembles the sources below and compares the bytes.

import { fail } from '../base/index.ts';

export const stubSourceX64 = `
.intel_syntax noprefix
.globl _start
_start:                          # int stub(program *rdi)
  push rbx
  push rbp
  mov rbx, rdi
  lea rbp, [rdi+64]
next:
  mov rax, [rbp]
  test rax, rax
  js ret
  push 5
  pop rcx
arg:                             # push the arguments, last first, following addresses where the mask says so
  mov rdx, [rbp+8+rcx*8]
  bt dword ptr [rbp+56], ecx
  jnc 1f
  mov rdx, [rdx]
1: push rdx
  dec ecx
  jns arg
  pop rdi
  pop rsi
  pop rdx
  pop r10
  pop r8
  pop r9
  syscall
  mov [rbp+64], rax
  mov cl, [rbp+60]
  test rax, rax
  jz adv
  js err
  test cl, 2
  jz adv
jump:
  add rbp, [rbp+72]
  jmp next
err:
  test cl, 1
  jnz adv
  test cl, 4
  jnz jump
  mov rdi, [rbx]                 # write(error fd, op, 80); exit_group(127)
  mov rsi, rbp
  push 80
  pop rdx
  push 1
  pop rax
  syscall
  push 127
  pop rdi
  mov eax, 231
  syscall
adv:
  add rbp, 80
  jmp next
ret:
  pop rbp
  pop rbx
  xor eax, eax
  ret
`;

export const stubSourceArm64 = `
.globl _start
_start:
  stp x19, x20, [sp, #-16]!
  mov x19, x0
  add x20, x0, #64
next:
  ldr x8, [x20]
  tbnz x8, #63, ret
  ldp x0, x1, [x20, #8]
  ldp x2, x3, [x20, #24]
  ldp x4, x5, [x20, #40]
  ldr w9, [x20, #56]
  tbz w9, #0, 1f
  ldr x0, [x0]
1: tbz w9, #1, 1f
  ldr x1, [x1]
1: tbz w9, #2, 1f
  ldr x2, [x2]
1: tbz w9, #3, 1f
  ldr x3, [x3]
1: tbz w9, #4, 1f
  ldr x4, [x4]
1: tbz w9, #5, 1f
  ldr x5, [x5]
1: svc #0
  str x0, [x20, #64]
  ldr w9, [x20, #60]
  cmp x0, #0
  b.eq adv
  b.lt err
  tbz w9, #1, adv
jump:
  ldr x10, [x20, #72]
  add x20, x20, x10
  b next
err:
  tbnz w9, #0, adv
  tbnz w9, #2, jump
  ldr x0, [x19]
  mov x1, x20
  mov x2, #80
  mov x8, #64
  svc #0
  mov x0, #127
  mov x8, #94
  svc #0
adv:
  add x20, x20, #80
  b next
ret:
  ldp x19, x20, [sp], #16
  mov x0, #0
  ret
`;

export type Architecture = 'x64' | 'arm64';

/** The assembled stub of each architecture, as hex. */
export const stubHex: Readonly<Record<Architecture, string>> = {
  x64: '53554889fb488d6f40488b45004885c078626a0559488b54cd080fa34d387303488b1252ffc979ed5f5e5a415a415841590f05488945408a4d3c4885c0742f780bf6c102742848036d48ebbdf6c101751df6c10475f0488b3b4889ee6a505a6a01580f056a7f5fb8e70000000f054883c550eb955d5b31c0c3',
  arm64: 'f353bfa9f30300aa14000191880240f9e804f8b7808640a9828e41a9849642a9893a40b949000036000040f949000836210040f949001036420040f949001836630040f949002036840040f949002836a50040f9010000d4802200f9893e40b91f0000f100020054ab000054c90108368a2640f994020a8be5ffff174901003789ff1737600240f9e10314aa020a80d2080880d2010000d4e00f80d2c80b80d2010000d494420191d9ffff17f353c1a8000080d2c0035fd6',
};

/** @throws `unsupported` on a processor that Estiva has no stub for. */
export function hostArchitecture(): Architecture {
  if (process.arch === 'x64' || process.arch === 'arm64') return process.arch;
  throw fail('unsupported', `Unsupported processor architecture: "${process.arch}"`, { hint: 'Estiva runs on x86-64 and arm64' });
}

export function stubCode(architecture: Architecture): Uint8Array {
  return Buffer.from(stubHex[architecture], 'hex');
}
