// The init: what runs as process 1 of a container with `--init`. A static executable of less than a kilobyte, made here: no host program takes part.
//
//   docker-init -- PROGRAM ARGUMENT…      runs PROGRAM (looked up along PATH) as a child with its own process group, which has the terminal if there is one;
//                                         sends it every signal that comes, reaps every child, and ends when the program has: with its exit code,
//                                         or 128 and the number of the signal that ended it; 127 when it is not there, 126 when it cannot be run.
//
// The program's user, capabilities and filter are the init's own, set before it started. Signals are blocked, not handled: for process 1 the kernel drops
// a signal that has no handler, but a blocked one waits, and rt_sigtimedwait(2) takes it.
//
// init.test.ts assembles the sources below and compares the bytes; it runs both, arm64 with qemu's user emulation.
import { codeElf } from './elf.ts';
import type { Architecture } from './stub.ts';

/** The bytes of the executable. */
export function initExecutable(architecture: Architecture): Uint8Array {
  return codeElf(Buffer.from(initHex[architecture].join(''), 'hex'), architecture);
}

export const initSourceX64 = `
.intel_syntax noprefix
.globl _start
_start:
  mov edi, [rsp]
  lea r12, [rsp+24]              # what stands behind "--"
  lea r13, [rsp+rdi*8+16]        # the environment
  sub rsp, 4096+32               # +0 all signals · +8 the mask before · +16 a status, a group · +32 a path
  or r15, -1                     # the program's status, once it has ended
  or qword ptr [rsp], -1
  push 2                         # rt_sigprocmask(SIG_SETMASK, all, before, 8)
  pop rdi
  mov rsi, rsp
  lea rdx, [rsp+8]
  push 8
  pop r10
  push 14
  pop rax
  syscall
  push 36                        # prctl(PR_SET_CHILD_SUBREAPER, 1): orphans come here even when this is not process 1
  pop rdi
  push 1
  pop rsi
  mov eax, 157
  syscall
  push 57                        # fork()
  pop rax
  syscall
  mov r14d, eax
  test eax, eax
  jz child
  mov edi, 126
  js exit
wait:
  mov rdi, rsp                   # rt_sigtimedwait(all, 0, 0, 8)
  xor esi, esi
  xor edx, edx
  push 8
  pop r10
  mov eax, 128
  syscall
  test eax, eax
  js wait
  cmp al, 17                     # SIGCHLD
  je reap
  mov edi, r14d                  # kill(program, signal)
  mov esi, eax
  push 62
  pop rax
  syscall
  jmp wait
reap:
  push -1                        # wait4(-1, status, WNOHANG, 0)
  pop rdi
  lea rsi, [rsp+16]
  push 1
  pop rdx
  xor r10d, r10d
  push 61
  pop rax
  syscall
  test eax, eax
  jle reaped
  cmp eax, r14d
  jne reap
  mov r15d, [rsp+16]
  jmp reap
reaped:
  mov edi, r15d
  inc r15
  jz wait0
  test dil, 0x7f
  jz code
  and edi, 0x7f                  # ended by a signal: 128 and its number
  sub edi, -128
  jmp exit
wait0:
  dec r15
  jmp wait
code:
  shr edi, 8
exit:
  mov eax, 231                   # exit_group
  syscall
child:
  xor edi, edi                   # setpgid(0, 0)
  xor esi, esi
  push 109
  pop rax
  syscall
  push 39                        # getpid()
  pop rax
  syscall
  mov [rsp+16], eax
  xor edi, edi                   # ioctl(0, TIOCSPGRP, group): with a terminal, the program has it
  mov esi, 0x5410
  lea rdx, [rsp+16]
  push 16
  pop rax
  syscall
  push 2                         # rt_sigprocmask(SIG_SETMASK, before, 0, 8)
  pop rdi
  lea rsi, [rsp+8]
  xor edx, edx
  push 8
  pop r10
  push 14
  pop rax
  syscall
  mov rbx, [r12]
  push -2                        # ENOENT
  pop r15
  mov rdi, rbx
  mov rsi, rbx
named:
  lodsb
  cmp al, '/'
  je whole
  test al, al
  jnz named
  mov rdx, r13
variable:
  mov rsi, [rdx]
  add rdx, 8
  test rsi, rsi
  jz default
  cmp dword ptr [rsi], 0x48544150  # "PATH"
  jne variable
  lodsd
  lodsb
  cmp al, '='
  jne variable
  jmp directory
default:
  lea rsi, [rip+path]
directory:
  lea rdi, [rsp+32]
  lea r9, [rsp+32+4094]
  mov al, [rsi]
  test al, al
  jz here
  cmp al, ':'
  jne copy
here:                            # an empty entry is the working directory
  mov al, '.'
  stosb
copy:
  lodsb
  test al, al
  jz entry
  cmp al, ':'
  je entry
  stosb
  cmp rdi, r9
  jb copy
long:                            # this directory is left out
  lodsb
  test al, al
  jz left
  cmp al, ':'
  jne long
left:
  mov r8, rsi
  mov dl, al
  jmp toolong
entry:
  mov r8, rsi
  mov dl, al
  mov al, '/'
  stosb
  mov rsi, rbx
name:
  lodsb
  stosb
  cmp rdi, r9
  ja toolong
  test al, al
  jnz name
  lea rdi, [rsp+32]
  push rdx
  call try
  pop rdx
  jmp more
toolong:
  push -36                       # ENAMETOOLONG
  pop r15
more:
  mov rsi, r8
  test dl, dl
  jnz directory
  jmp failed
whole:
  call try
  jmp failed
try:                             # execve(rdi, program, environment)
  mov rsi, r12
  mov rdx, r13
  push 59
  pop rax
  syscall
  cmp eax, -2                    # ENOENT
  je no
  cmp eax, -20                   # ENOTDIR
  je no
  mov r15d, eax
no:
  ret
failed:
  lea rsi, [rip+begin]
  call say
  mov rsi, rbx
  call say
  lea rsi, [rip+missing]
  cmp r15b, -2
  je 1f
  lea rsi, [rip+refused]
1:
  call say
  push 127
  pop rdi
  cmp r15b, -2
  je exit
  dec edi
  jmp exit
say:                             # write(2, rsi, its length)
  or rdx, -1
1:
  inc rdx
  cmp byte ptr [rsi+rdx], 0
  jne 1b
  push 2
  pop rdi
  push 1
  pop rax
  syscall
  ret
path: .asciz "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
begin: .asciz "docker-init: cannot run \\""
missing: .asciz "\\": no such file or directory\\n"
refused: .asciz "\\": it cannot be executed\\n"
`;

export const initSourceArm64 = `
.globl _start
_start:
  ldr x0, [sp]
  add x19, sp, #24               // what stands behind "--"
  add x20, sp, x0, lsl #3
  add x20, x20, #16              // the environment
  sub sp, sp, #4096
  sub sp, sp, #32                // +0 all signals · +8 the mask before · +16 a status, a group · +32 a path
  mov x22, #-1                   // the program's status, once it has ended
  str x22, [sp]
  mov x0, #2                     // rt_sigprocmask(SIG_SETMASK, all, before, 8)
  mov x1, sp
  add x2, sp, #8
  mov x3, #8
  mov x8, #135
  svc #0
  mov x0, #36                    // prctl(PR_SET_CHILD_SUBREAPER, 1): orphans come here even when this is not process 1
  mov x1, #1
  mov x8, #167
  svc #0
  mov x0, #17                    // clone(SIGCHLD)
  mov x1, #0
  mov x2, #0
  mov x3, #0
  mov x4, #0
  mov x8, #220
  svc #0
  mov w21, w0
  cbz w0, child
  tbz w0, #31, wait
  mov x0, #126
  b exit
wait:
  mov x0, sp                     // rt_sigtimedwait(all, 0, 0, 8)
  mov x1, #0
  mov x2, #0
  mov x3, #8
  mov x8, #137
  svc #0
  tbnz w0, #31, wait
  cmp w0, #17                    // SIGCHLD
  b.eq reap
  mov w1, w0                     // kill(program, signal)
  mov w0, w21
  mov x8, #129
  svc #0
  b wait
reap:
  mov x0, #-1                    // wait4(-1, status, WNOHANG, 0)
  add x1, sp, #16
  mov x2, #1
  mov x3, #0
  mov x8, #260
  svc #0
  cmp w0, #0
  b.le reaped
  cmp w0, w21
  b.ne reap
  ldr w22, [sp, #16]             // also clears the upper half
  b reap
reaped:
  tbnz x22, #63, wait
  ands w0, w22, #0x7f
  b.eq code
  add w0, w0, #128               // ended by a signal: 128 and its number
  b exit
code:
  lsr w0, w22, #8
exit:
  mov x8, #94                    // exit_group
  svc #0
child:
  mov x0, #0                     // setpgid(0, 0)
  mov x1, #0
  mov x8, #154
  svc #0
  mov x8, #172                   // getpid()
  svc #0
  str w0, [sp, #16]
  mov x0, #0                     // ioctl(0, TIOCSPGRP, group): with a terminal, the program has it
  mov x1, #0x5410
  add x2, sp, #16
  mov x8, #29
  svc #0
  mov x0, #2                     // rt_sigprocmask(SIG_SETMASK, before, 0, 8)
  add x1, sp, #8
  mov x2, #0
  mov x3, #8
  mov x8, #135
  svc #0
  ldr x21, [x19]
  mov x22, #-2                   // ENOENT
  mov x23, x21
named:
  ldrb w9, [x23], #1
  cmp w9, #'/'
  b.eq whole
  cbnz w9, named
  mov x10, x20
  ldr w11, =0x48544150           // "PATH"
variable:
  ldr x23, [x10], #8
  cbz x23, default
  ldr w9, [x23], #4
  cmp w9, w11
  b.ne variable
  ldrb w9, [x23], #1
  cmp w9, #'='
  b.ne variable
  b directory
default:
  adr x23, path
directory:
  add x24, sp, #32
  add x25, sp, #4096
  add x25, x25, #30
  ldrb w9, [x23]
  cbz w9, here
  cmp w9, #':'
  b.ne copy
here:                            // an empty entry is the working directory
  mov w9, #'.'
  strb w9, [x24], #1
copy:
  ldrb w26, [x23], #1
  cbz w26, entry
  cmp w26, #':'
  b.eq entry
  strb w26, [x24], #1
  cmp x24, x25
  b.lo copy
long:                            // this directory is left out
  ldrb w26, [x23], #1
  cbz w26, toolong
  cmp w26, #':'
  b.ne long
  b toolong
entry:
  mov w9, #'/'
  strb w9, [x24], #1
  mov x10, x21
name:
  ldrb w9, [x10], #1
  strb w9, [x24], #1
  cmp x24, x25
  b.hi toolong
  cbnz w9, name
  add x0, sp, #32
  bl try
  b more
toolong:
  mov x22, #-36                  // ENAMETOOLONG
more:
  cbnz w26, directory
  b failed
whole:
  mov x0, x21
  bl try
  b failed
try:                             // execve(x0, program, environment)
  mov x1, x19
  mov x2, x20
  mov x8, #221
  svc #0
  cmn x0, #2                     // ENOENT
  b.eq no
  cmn x0, #20                    // ENOTDIR
  b.eq no
  mov x22, x0
no:
  ret
failed:
  adr x1, begin
  bl say
  mov x1, x21
  bl say
  adr x1, missing
  mov x23, #127
  cmn x22, #2
  b.eq 1f
  adr x1, refused
  mov x23, #126
1:
  bl say
  mov x0, x23
  b exit
say:                             // write(2, x1, its length)
  mov x2, #0
1:
  ldrb w9, [x1, x2]
  cbz w9, 2f
  add x2, x2, #1
  b 1b
2:
  mov x0, #2
  mov x8, #64
  svc #0
  ret
.ltorg
path: .asciz "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
begin: .asciz "docker-init: cannot run \\""
missing: .asciz "\\": no such file or directory\\n"
refused: .asciz "\\": it cannot be executed\\n"
`;

/** The assembled sources. */
export const initHex: Readonly<Record<Architecture, readonly string[]>> = {
  x64: [
    '8b3c244c8d6424184c8d6cfc104881ec201000004983cfff48830c24ff6a025f4889e6488d5424086a08415a6a0e580f056a245f6a015eb89d0000000f056a39580f054189c685c07475bf',
    '7e00000078674889e731f631d26a08415ab8800000000f0585c078ea3c11740c4489f789c66a3e580f05ebda6aff5f488d7424106a015a4531d26a3d580f0585c07e0c4439f075e4448b7c',
    '2410ebdd4489ff49ffc7740e40f6c77f740d83e77f83ef80eb0849ffcfeb9cc1ef08b8e70000000f0531ff31f66a6d580f056a27580f058944241031ffbe10540000488d5424106a10580f',
    '056a025f488d74240831d26a08415a6a0e580f05498b1c246afe415f4889df4889deac3c2f0f849400000084c075f34c89ea488b324883c2084885f67410813e5041544875ecadac3c3d75',
    'e6eb07488d35e1000000488d7c24204c8d8c241e1000008a0684c074043c3a7503b02eaaac84c0741a3c3a7416aa4c39cf72f1ac84c074043c3a75f74989f088c2eb244989f088c2b02faa',
    '4889deacaa4c39cf771284c075f5488d7c242052e8170000005aeb046adc415f4c89c684d27598eb20e802000000eb194c89e64c89ea6a3b580f0583f8fe740883f8ec74034189c7c3488d',
    '358d000000e8350000004889dee82d000000488d35930000004180fffe7407488d35a4000000e8140000006a7f5f4180fffe0f84befeffffffcfe9b7feffff4883caff48ffc2803c160075',
    'f76a025f6a01580f05c32f7573722f6c6f63616c2f7362696e3a2f7573722f6c6f63616c2f62696e3a2f7573722f7362696e3a2f7573722f62696e3a2f7362696e3a2f62696e00646f636b',
    '65722d696e69743a2063616e6e6f742072756e202200223a206e6f20737563682066696c65206f72206469726563746f72790a00223a2069742063616e6e6f742062652065786563757465',
    '640a00',
  ],
  arm64: [
    'e00340f9f3630091f46f208b94420091ff0740d1ff8300d116008092f60300f9400080d2e1030091e2230091030180d2e81080d2010000d4800480d2210080d2e81480d2010000d4200280',
    'd2010080d2020080d2030080d2040080d2881b80d2010000d4f503002ac00400346000f836c00f80d221000014e0030091010080d2020080d2030180d2281180d2010000d440ffff371f44',
    '0071c0000054e103002ae003152a281080d2010000d4f3ffff1700008092e1430091220080d2030080d2882080d2010000d41f000071ad0000541f00156be1feff54f61340b9f5ffff17d6',
    'fcffb7c01a0072600000540000021102000014c07e0853c80b80d2010000d4000080d2010080d2481380d2010000d4881580d2010000d4e01300b9000080d201828ad2e2430091a80380d2',
    '010000d4400080d2e1230091020080d2030180d2e81080d2010000d4750240f936008092f70315aae91640383fbd007120060054a9ffff35ea0314aa2b0a0018578540f8170100b4e94640',
    'b83f010b6b81ffff54e91640383ff5007121ffff540200001417090010f8830091f9074091397b0091e9024039690000343fe9007161000054c905805209170038fa1640387a0100345feb',
    '0071200100541a1700381f0319eb43ffff54fa164038fa0100345feb0071a1ffff540c000014e905805209170038ea0315aa49154038091700381f0319eba800005489ffff35e083009108',
    '0000940200001476048092fafbff350e000014e00315aa020000940b000014e10313aae20314aaa81b80d2010000d41f0800b1800000541f5000b140000054f60300aac0035fd6c1040030',
    '0c000094e10315aa0a00009401050070f70f80d2df0a00b16000005481050030d70f80d203000094e00317aa9dffff17020080d2296862386900003442040091fdffff17400080d2080880',
    'd2010000d4c0035fd6504154482f7573722f6c6f63616c2f7362696e3a2f7573722f6c6f63616c2f62696e3a2f7573722f7362696e3a2f7573722f62696e3a2f7362696e3a2f62696e0064',
    '6f636b65722d696e69743a2063616e6e6f742072756e202200223a206e6f20737563682066696c65206f72206469726563746f72790a00223a2069742063616e6e6f742062652065786563',
    '757465640a00',
  ],
};
