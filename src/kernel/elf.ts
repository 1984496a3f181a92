// A program of system calls as an executable file: a static ELF64 of the stub, the assembled program at a fixed address, and an entry of a few
// instructions that hands the one to the other. There is no libc, no stack use, no relocation left: the kernel maps two pieces and jumps.
//
//   file      ELF header · program headers · entry · stub · the program's bytes (op table, strings, structures)
//   memory    0x400000, read and execute: all up to the stub's end · one 64 KiB further, read and write: the program and its spaces, zeroed
// The pieces are not padded to pages: both map the page where they meet, each with its own rights. 64 KiB is the largest page of arm64.
// Source: elf(5), and the ELF64 layout in linux/elf.h.
import type { Image } from './program.ts';
import { type Architecture, stubCode } from './stub.ts';

const machine = { x64: 62, arm64: 183 } as const; // EM_X86_64, EM_AARCH64
const loadAddress = 0x40_0000;
const pageBytesMax = 0x1_0000;
const elfHeaderBytes = 64;
const programHeaderBytes = 56;
const type = { load: 1, stack: 0x6474_e551 } as const; // PT_LOAD, PT_GNU_STACK
const rights = { execute: 1, write: 2, read: 4 } as const; // PF_X, PF_W, PF_R

/** The bytes of an executable that runs `image` and ends with 0 when the program does not end it otherwise. Pure. */
export function staticElf(image: Image, architecture: Architecture): Uint8Array {
  const stub = stubCode(architecture);
  const entryOffset = elfHeaderBytes + 3 * programHeaderBytes;
  const programOffset = roundUp(entryOffset + entrySize(architecture) + stub.length, 64);
  const programAddress = loadAddress + pageBytesMax + programOffset;
  const file = Buffer.alloc(programOffset + image.bytes.length);
  writeElfHeader(file, architecture, loadAddress + entryOffset, 3);
  writeSegment(file, 0, { type: type.load, rights: rights.read | rights.execute, offset: 0, address: loadAddress, fileBytes: programOffset, memoryBytes: programOffset });
  writeSegment(file, 1, {
    type: type.load, rights: rights.read | rights.write, offset: programOffset, address: programAddress,
    fileBytes: image.bytes.length, memoryBytes: image.bytes.length + image.spaceBytes,
  });
  writeSegment(file, 2, { type: type.stack, rights: rights.read | rights.write, offset: 0, address: 0, fileBytes: 0, memoryBytes: 0 });
  file.set(entryCode(architecture, programAddress), entryOffset);
  file.set(stub, entryOffset + entrySize(architecture));
  file.set(image.bytes, programOffset);
  // Both fit the lower half of a word. In a process that lives for one container nothing is compiled yet, and big numbers cost milliseconds.
  const view = new DataView(file.buffer, file.byteOffset + programOffset);
  for (const at of image.relocations) view.setUint32(at, view.getUint32(at, true) + programAddress, true);
  return file;
}

/** The bytes of an executable that is `code` and nothing else: position-independent, without data to write. Pure. */
export function codeElf(code: Uint8Array, architecture: Architecture): Uint8Array {
  const entryOffset = elfHeaderBytes + 2 * programHeaderBytes;
  const file = Buffer.alloc(entryOffset + code.length);
  writeElfHeader(file, architecture, loadAddress + entryOffset, 2);
  writeSegment(file, 0, { type: type.load, rights: rights.read | rights.execute, offset: 0, address: loadAddress, fileBytes: file.length, memoryBytes: file.length });
  writeSegment(file, 1, { type: type.stack, rights: rights.read | rights.write, offset: 0, address: 0, fileBytes: 0, memoryBytes: 0 });
  file.set(code, entryOffset);
  return file;
}

function entrySize(architecture: Architecture): number {
  return entryCode(architecture, 0).length;
}

/** Calls the stub, which follows right behind, with the program's address; then exit_group(0). */
function entryCode(architecture: Architecture, programAddress: number): Uint8Array {
  return architecture === 'x64' ? entryX64(programAddress) : entryArm64(programAddress);
}

function entryX64(programAddress: number): Uint8Array {
  const code = Buffer.from([
    0xbf, 0, 0, 0, 0, // mov edi, programAddress
    0xe8, 9, 0, 0, 0, // call stub
    0x31, 0xff, // xor edi, edi
    0xb8, 231, 0, 0, 0, // mov eax, exit_group
    0x0f, 0x05, // syscall
  ]);
  code.writeUInt32LE(programAddress, 1);
  return code;
}

function entryArm64(programAddress: number): Uint8Array {
  const code = Buffer.alloc(24);
  const words = [
    0xd280_0000 | ((programAddress & 0xffff) << 5), // movz x0, #low
    0xf2a0_0000 | ((programAddress >>> 16) << 5), // movk x0, #high, lsl #16
    0x9400_0004, // bl stub
    0xd280_0000, // mov x0, #0
    0xd280_0bc8, // mov x8, #94 (exit_group)
    0xd400_0001, // svc #0
  ];
  for (const [k, word] of words.entries()) code.writeUInt32LE(word >>> 0, k * 4);
  return code;
}

function writeElfHeader(file: Buffer, architecture: Architecture, entryAddress: number, segmentCount: number): void {
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // magic, 64 bits, little-endian, version 1; System V
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machine[architecture], 18);
  file.writeUInt32LE(1, 20); // EV_CURRENT
  file.writeBigUInt64LE(BigInt(entryAddress), 24);
  file.writeBigUInt64LE(BigInt(elfHeaderBytes), 32); // program headers
  file.writeUInt16LE(elfHeaderBytes, 52);
  file.writeUInt16LE(programHeaderBytes, 54);
  file.writeUInt16LE(segmentCount, 56);
  file.writeUInt16LE(64, 58); // size of a section header, of which there are none
}

interface Segment {
  readonly type: number;
  readonly rights: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

/** Elf64_Phdr. */
function writeSegment(file: Buffer, index: number, segment: Segment): void {
  const at = elfHeaderBytes + index * programHeaderBytes;
  file.writeUInt32LE(segment.type, at);
  file.writeUInt32LE(segment.rights, at + 4);
  const words = [segment.offset, segment.address, segment.address, segment.fileBytes, segment.memoryBytes, segment.type === type.load ? pageBytesMax : 16];
  for (const [k, word] of words.entries()) file.writeBigUInt64LE(BigInt(word), at + 8 + k * 8);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
