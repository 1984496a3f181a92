// What a group uses: processor time, memory, processes, block I/O. Read once a second for as long as somebody watches, so every file is opened once
// and read again from its start (pread), and the text is taken apart without regular expressions.
// Source: the kernel's admin-guide/cgroup-v1 (cpuacct, memory, blkio-controller, pids) and cgroup-v2; block/blk-throttle.c for the old names.
import { KernelError } from '../error.ts';
import { tryCall } from '../call.ts';
import { Fd, O } from '../fd.ts';
import type { Hierarchy } from './hierarchy.ts';

export interface BlockCount {
  readonly major: number;
  readonly minor: number;
  /** As the kernel calls it: `Read`, `Write`, `Total` …; in version 2 `read` and `write`. */
  readonly operation: string;
  readonly value: number;
}

export interface CgroupFigures {
  readonly cpu: {
    readonly totalNs: number;
    readonly userNs: number;
    readonly kernelNs: number;
    /** Version 1 tells each processor's part. */
    readonly perCpuNs?: readonly number[];
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledNs: number;
  };
  /** Absent where the host has no such controller; so below. */
  readonly memory?: {
    readonly usageBytes: number;
    /** The most that it ever was: version 1. */
    readonly maxUsageBytes?: number;
    /** How often the limit was hit: version 1. */
    readonly failures?: number;
    /** Undefined: none. */
    readonly limitBytes: number | undefined;
    /** The lines of memory.stat. */
    readonly details: Readonly<Record<string, number>>;
  };
  readonly pids?: { readonly current: number; readonly limit: number | undefined };
  readonly blockIo: { readonly bytes: readonly BlockCount[]; readonly operations: readonly BlockCount[] };
}

/** An open look at a group's figures. */
export interface FigureReader extends Disposable {
  /** Undefined when the group is gone. @throws KernelError */
  read(): CgroupFigures | undefined;
}

const ENOENT = -2;
const ENODEV = -19;
/** memory.stat is the longest, some 2 kB; with hundreds of processors or disks a file may be longer than this, and is then read in pieces. */
const buffer = Buffer.alloc(16 * 1024);

/** A group's file, opened at the first look. */
export class FigureFile implements Disposable {
  readonly #hierarchy: Hierarchy | undefined;
  readonly #path: string;
  #fd: Fd | undefined;
  #isThere = true;

  /** Without a hierarchy there is no such file. */
  constructor(hierarchy: Hierarchy | undefined, path: string) {
    this.#hierarchy = hierarchy;
    this.#path = path;
  }

  /** Its text; empty when there is no such file here, undefined when the group is gone. @throws KernelError */
  read(): string | undefined {
    if (this.#hierarchy === undefined || !this.#isThere) return '';
    this.#fd ??= this.#open(this.#hierarchy);
    if (this.#fd === undefined) return '';
    let text = '';
    for (let offset = 0; ;) {
      const length = tryCall('pread64', this.#fd.number, buffer, buffer.length, offset);
      if (length === ENODEV) return undefined;
      if (length < 0) throw new KernelError('read', JSON.stringify(this.#path), -length);
      text += buffer.toString('latin1', 0, length);
      if (length < buffer.length) return text;
      offset += length;
    }
  }

  #open(hierarchy: Hierarchy): Fd | undefined {
    const number = tryCall('openat', hierarchy.root.number, this.#path, O.RDONLY | O.CLOEXEC, 0);
    if (number >= 0) return new Fd(number);
    if (number !== ENOENT) throw new KernelError('openat', JSON.stringify(this.#path), -number);
    this.#isThere = false;
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#fd?.[Symbol.dispose]();
  }
}

/** Lines of `key number`. */
export function numbersByKey(text: string): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (let at = 0; at < text.length;) {
    const end = lineEnd(text, at);
    const blank = text.indexOf(' ', at);
    if (blank > at && blank < end) numbers[text.slice(at, blank)] = Number(text.slice(blank + 1, end));
    at = end + 1;
  }
  return numbers;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** A file of one number, or `max`: undefined. */
export function numberIn(text: string): number | undefined {
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? undefined : value;
}

/** The texts of all files by name; undefined when the group is gone. */
export function readAll<Name extends string>(files: readonly (readonly [Name, FigureFile])[]): Record<Name, string> | undefined {
  const texts = {} as Record<Name, string>;
  for (const [name, file] of files) {
    const text = file.read();
    if (text === undefined) return undefined;
    texts[name] = text;
  }
  return texts;
}
