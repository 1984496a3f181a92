// One system call, in this process, now: `call('mkdirat', dir, 'x', 0o755)`. Results are the kernel's own (no libc errno in between).
//
// Arguments: a number or bigint is itself; a string is passed as a NUL-terminated UTF-8 copy (a string that contains NUL is refused: it would
// name another file than the one meant); a Uint8Array is passed as memory, and what the kernel writes into it is there afterwards.
// Names that are not UTF-8 go as bytes, with their own NUL at the end.
import { fail } from '../base/index.ts';
import { KernelError } from './error.ts';
import { addressOf, enter, mapCode, mapMemory } from './ffi.ts';
import { hostArchitecture, stubCode } from './stub.ts';
import { syscallNumbers, type SyscallName } from './syscalls.ts';

export type CallArgument = number | bigint | string | Uint8Array;

const headerBytes = 64;
const opBytes = 80;
const scratchBytes = 128 * 1024;
/** Buffers up to this size are copied through the scratch memory; larger ones are passed by their own address. */
const copiedBytesMax = 8192;

const scratch = mapMemory(scratchBytes);
const words = new Uint32Array(scratch.bytes.buffer, 0, scratchBytes / 4);
const scratchPointer = BigInt(scratch.address);
export const stubAddress = mapCode(stubCode(hostArchitecture()));
const column = hostArchitecture() === 'x64' ? 0 : 1;
const encoder = new TextEncoder();
const dataStart = headerBytes + 2 * opBytes;
const two32 = 2 ** 32;

// The one op's flag is "ignore an error" (the caller looks at the result); the second op ends the program.
words[(headerBytes + 60) / 4] = 1;
words[(headerBytes + opBytes) / 4] = 0xffffffff;
words[(headerBytes + opBytes) / 4 + 1] = 0xffffffff;

/** The number of `name` on this machine's architecture. */
export function syscallNumber(name: SyscallName): number {
  return syscallNumbers[name][column];
}

/** Sees each call before it is made and may answer in its place (a result, or -errno); `undefined` lets it through. For tests: see fake.ts. */
export type Interceptor = (name: SyscallName, args: readonly CallArgument[]) => number | undefined;
let interceptor: Interceptor | undefined;
export function setInterceptor(next: Interceptor | undefined): void {
  interceptor = next;
}

function setWord64(index: number, value: number): void {
  words[index] = value % two32;
  words[index + 1] = Math.floor(value / two32);
}

/** Makes the call; a negative result is -errno. Never throws for what the kernel says. */
export function tryCall(name: SyscallName, ...args: readonly CallArgument[]): number {
  if (interceptor !== undefined) {
    const answer = interceptor(name, args);
    if (answer !== undefined) return answer;
  }
  let free = dataStart;
  let copiedBack: [Uint8Array, number][] | undefined;
  setWord64(headerBytes / 4, syscallNumber(name));
  for (let i = 0; i < 6; i++) {
    const arg = args[i] ?? 0;
    const slot = (headerBytes + 8 + i * 8) / 4;
    if (typeof arg === 'number') setWord64(slot, arg);
    else if (typeof arg === 'bigint') {
      words[slot] = Number(arg & 0xffffffffn);
      words[slot + 1] = Number((arg >> 32n) & 0xffffffffn);
    } else if (typeof arg === 'string') {
      if (arg.includes('\0')) throw fail('invalid', `Invalid path: ${JSON.stringify(arg.slice(0, 100))} contains a NUL character`);
      const { written, read } = encoder.encodeInto(arg, scratch.bytes.subarray(free, scratchBytes - 1));
      if (read < arg.length) throw new KernelError(name, '(long argument)', 36);
      scratch.bytes[free + written] = 0;
      setWord64(slot, scratch.address + free);
      free = (free + written + 8) & ~7;
    } else if (arg.length <= copiedBytesMax && free + arg.length <= scratchBytes) {
      scratch.bytes.set(arg, free);
      setWord64(slot, scratch.address + free);
      (copiedBack ??= []).push([arg, free]);
      free = (free + arg.length + 8) & ~7;
    } else setWord64(slot, addressOf(arg));
  }
  enter(stubAddress, scratchPointer);
  if (copiedBack !== undefined) for (const [target, offset] of copiedBack) target.set(scratch.bytes.subarray(offset, offset + target.length));
  const high = words[(headerBytes + 68) / 4]! | 0;
  return high * two32 + words[(headerBytes + 64) / 4]!;
}

/** Makes the call and returns its result. @throws KernelError */
export function call(name: SyscallName, ...args: readonly CallArgument[]): number {
  const result = tryCall(name, ...args);
  if (result < 0) throw kernelError(name, args, result);
  return result;
}

function kernelError(name: SyscallName, args: readonly CallArgument[], result: number): KernelError {
  return new KernelError(name, args.filter((arg) => typeof arg === 'string').map((arg) => JSON.stringify(arg)).join(' '), -result);
}

const EINTR = -4;

/** As call, for one that waits: a signal that comes meanwhile has been seen by its handler, and the wait goes on. */
export function callWaiting(name: SyscallName, ...args: readonly CallArgument[]): number {
  while (true) {
    const result = tryCall(name, ...args);
    if (result < 0 && result !== EINTR) throw kernelError(name, args, result);
    if (result >= 0) return result;
  }
}
