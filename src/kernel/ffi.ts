// The door to native code: four libc functions behind one small adapter, so that another FFI library could take node:ffi's place.
//
// node:ffi cannot call an address, only names. bsearch(3) can: it calls the comparison function that it is given, on this thread, with the
// two pointers that it was given. So bsearch(program, program, 1, 1, code) enters `code(program, program)`; our code returns 0, "equal".
import { dlopen, getRawPointer, toArrayBuffer } from 'node:ffi';

const { functions: libc } = dlopen(null, {
  mmap: { arguments: ['pointer', 'u64', 'i32', 'i32', 'i32', 'i64'], return: 'pointer' },
  mprotect: { arguments: ['pointer', 'u64', 'i32'], return: 'i32' },
  bsearch: { arguments: ['pointer', 'pointer', 'u64', 'u64', 'pointer'], return: 'pointer' },
});

// Values of <sys/mman.h>, the same on x86-64 and arm64.
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;

/** Native memory that never moves, seen from both sides. Lives as long as the process. */
export interface NativeMemory {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Maps `sizeBytes` of zeroed memory, readable and writable. Pages that are never touched cost nothing. */
export function mapMemory(sizeBytes: number): NativeMemory {
  return map(sizeBytes, MAP_PRIVATE);
}

/** As mapMemory, but what a forked child writes into it is seen here, and the reverse. */
export function mapSharedMemory(sizeBytes: number): NativeMemory {
  return map(sizeBytes, MAP_SHARED);
}

function map(sizeBytes: number, sharing: number): NativeMemory {
  const pointer = libc.mmap(0n, BigInt(sizeBytes), PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0n);
  if (pointer === 0xffffffffffffffffn) throw new Error(`Cannot map ${sizeBytes} bytes of memory`);
  return { address: Number(pointer), bytes: new Uint8Array(toArrayBuffer(pointer, sizeBytes, false)) };
}

/** Maps machine code: written while the page is writable, then made read-only and executable for ever (never both at once). */
export function mapCode(code: Uint8Array): bigint {
  const sizeBytes = 4096;
  const page = mapMemory(sizeBytes);
  page.bytes.set(code);
  if (libc.mprotect(BigInt(page.address), BigInt(sizeBytes), PROT_READ | PROT_EXEC) !== 0) throw new Error('Cannot make the code page executable');
  return BigInt(page.address);
}

/** Calls the code at `code` with the address of `program` as its argument, on this thread. */
export function enter(code: bigint, program: bigint): void {
  libc.bsearch(program, program, 1n, 1n, code);
}

/** The address of a JavaScript buffer's bytes; valid while the buffer is referenced (backing stores do not move). */
export function addressOf(bytes: Uint8Array): number {
  return Number(getRawPointer(bytes));
}
