// The ways into the kernel that a seccomp filter must know. An *ABI* is one table of system call numbers with one size of argument; a
// machine runs several: x86-64 programs, i386 programs and x32 programs on one kernel. The kernel tells a filter the number and the *audit
// architecture*; x86-64 and x32 share theirs and differ in bit 30 of the number.
import { arm } from './numbers.arm.ts';
import { arm64 } from './numbers.arm64.ts';
import { i386 } from './numbers.i386.ts';
import { x32Absent, x32Special, x64 } from './numbers.x64.ts';
import { fail } from '../../base/index.ts';
import type { Architecture } from '../stub.ts';

export interface Abi {
  /** libseccomp's name for it. */
  readonly name: string;
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  readonly wordBits: 32 | 64;
  /** Where its numbers begin. */
  readonly base: number;
  /** The numbers by name, `base` included; read on the first use. */
  readonly numbers: () => ReadonlyMap<string, number>;
  /** Calls that are also reached through a multiplexer (socketcall, ipc), by name: the multiplexer and its first argument. */
  readonly multiplexed: ReadonlyMap<string, { readonly through: 'socketcall' | 'ipc'; readonly selector: number }>;
}

/** __X32_SYSCALL_BIT of asm/unistd.h. */
export const x32Bit = 0x4000_0000;

const none: Abi['multiplexed'] = new Map();

export const abis = {
  x64: { name: 'SCMP_ARCH_X86_64', audit: 0xc000_003e, wordBits: 64, base: 0, numbers: once(() => readTable(x64)), multiplexed: none },
  x32: { name: 'SCMP_ARCH_X32', audit: 0xc000_003e, wordBits: 32, base: x32Bit, numbers: once(x32Numbers), multiplexed: none },
  i386: { name: 'SCMP_ARCH_X86', audit: 0x4000_0003, wordBits: 32, base: 0, numbers: once(() => readTable(i386)), multiplexed: i386Multiplexed() },
  arm64: { name: 'SCMP_ARCH_AARCH64', audit: 0xc000_00b7, wordBits: 64, base: 0, numbers: once(() => readTable(arm64)), multiplexed: none },
  arm: { name: 'SCMP_ARCH_ARM', audit: 0x4000_0028, wordBits: 32, base: 0, numbers: once(armNumbers), multiplexed: none },
} as const satisfies Record<string, Abi>;

/** What each kind of machine can run; the first is the machine's own. */
const runnable: Readonly<Record<Architecture, readonly [Abi, ...Abi[]]>> = {
  x64: [abis.x64, abis.i386, abis.x32],
  arm64: [abis.arm64, abis.arm],
};

/** Architectures that a profile may name and that none of our machines runs. */
const foreign = new Set([
  'MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE', 'S390', 'S390X', 'PARISC', 'PARISC64',
  'RISCV64', 'LOONGARCH64', 'M68K', 'SH', 'SHEB',
].map((name) => `SCMP_ARCH_${name}`));

/**
 * The ABIs that a filter with these `architectures` lets in: always the machine's own, and of the others those that are named and that it can run.
 * @throws `invalid` for a name that is no architecture.
 */
export function chooseAbis(architectures: readonly string[], native: Architecture): readonly Abi[] {
  const known = new Set<string>(Object.values(abis).map((abi) => abi.name));
  const unknown = architectures.find((name) => !known.has(name) && !foreign.has(name));
  if (unknown !== undefined) throw fail('invalid', `Unknown seccomp architecture: "${unknown}"`, { hint: 'Architectures are named like SCMP_ARCH_X86_64' });
  return runnable[native].filter((abi, index) => index === 0 || architectures.includes(abi.name));
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

/** A table of numbers.*.ts: a number, then the names that follow it one by one. */
function readTable(text: string, base = 0): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of text.trim().split(/\s+/)) {
    const first = word.charCodeAt(0);
    if (first >= 48 && first <= 57) next = Number(word);
    else numbers.set(word, base + next++);
  }
  return numbers;
}

function x32Numbers(): Map<string, number> {
  const numbers = readTable(x64, x32Bit);
  for (const name of x32Absent.trim().split(/\s+/)) numbers.delete(name);
  for (const [name, number] of readTable(x32Special, x32Bit)) numbers.set(name, number);
  return numbers;
}

/** asm/unistd.h of arm gives one call a second name. */
function armNumbers(): Map<string, number> {
  const numbers = readTable(arm);
  numbers.set('sync_file_range2', numbers.get('arm_sync_file_range')!);
  return numbers;
}

/** SYS_* of linux/net.h (from 1 on) and the calls of linux/ipc.h. */
function i386Multiplexed(): Abi['multiplexed'] {
  const socketcall = 'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg';
  const ipc = { semop: 1, semget: 2, semctl: 3, semtimedop: 4, msgsnd: 11, msgrcv: 12, msgget: 13, msgctl: 14, shmat: 21, shmdt: 22, shmget: 23, shmctl: 24 };
  const calls = new Map<string, { through: 'socketcall' | 'ipc'; selector: number }>();
  for (const [index, name] of socketcall.split(' ').entries()) calls.set(name, { through: 'socketcall', selector: index + 1 });
  for (const [name, selector] of Object.entries(ipc)) calls.set(name, { through: 'ipc', selector });
  return calls;
}
