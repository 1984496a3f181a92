// What is remembered of a container between two calls: a directory for each, `<root>/<id>/`, with
//
//   state.json    what it is, and who its first process is (its pid, and when that process began: pids come again)
//   config.json   the configuration that it was made from
//   exec.fifo     there until it has been started; a byte in it says "start"
//   exec.result   what the waiting process says of its last steps: nothing but the end when the program runs
//
// Only root writes here: what is read was written by this program.
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fail } from '../base/index.ts';
import { decodeSpec } from '../spec/oci/runtime-config.ts';
import type { Spec } from '../spec/oci/runtime.ts';

export interface StateRecord {
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly pid: number;
  /** In clock ticks since the machine's start: field 22 of /proc/PID/stat. */
  readonly pidBegan: string;
  /** RFC 3339. */
  readonly created: string;
  readonly cgroupPath: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** What the waiting process has yet to do, for words about its failure. */
  readonly stepsToStart: readonly { readonly index: number; readonly call: string; readonly why: string }[];
}

export type Status = 'created' | 'running' | 'paused' | 'stopped';

const idBytesMax = 1024;

export class StateDirectory {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** @throws EstivaError `invalid` for an id that is no name of a directory. */
  path(id: string, file?: string): string {
    if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..' || id.length > idBytesMax) throw fail('invalid', `invalid container ID format: ${JSON.stringify(id.slice(0, 100))}`, { hint: 'Letters, digits, "_", "+", "-" and "."' });
    return file === undefined ? `${this.root}/${id}` : `${this.root}/${id}/${file}`;
  }

  /** Takes the id. @throws EstivaError `conflict` */
  claim(id: string): void {
    const path = this.path(id);
    mkdirSync(this.root, { recursive: true, mode: 0o711 });
    try {
      mkdirSync(path, { mode: 0o711 });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw fail('conflict', 'container with given ID already exists', { cause: error });
      throw error;
    }
    chmodSync(path, 0o711);
  }

  save(record: StateRecord, configText: string): void {
    writeFileSync(this.path(record.id, 'config.json'), configText, { mode: 0o600 });
    replaceFile(this.path(record.id, 'state.json'), JSON.stringify(record), 0o600);
  }

  /** @throws EstivaError `not_found` */
  load(id: string): StateRecord {
    try {
      return JSON.parse(readFileSync(this.path(id, 'state.json'), 'utf8')) as StateRecord;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw fail('not_found', `container does not exist: ${JSON.stringify(id)}`, { cause: error });
      throw error;
    }
  }

  spec(id: string): Spec {
    return decodeSpec(readFileSync(this.path(id, 'config.json'), 'utf8'));
  }

  ids(): readonly string[] {
    return existsSync(this.root) ? readdirSync(this.root).filter((id) => existsSync(`${this.root}/${id}/state.json`)).toSorted() : [];
  }

  isWaiting(id: string): boolean {
    return existsSync(this.path(id, 'exec.fifo'));
  }

  remove(id: string): void {
    rmSync(this.path(id), { recursive: true, force: true });
  }
}

/** All of it or nothing: whoever watches for the file finds it whole. */
export function replaceFile(path: string, content: string, mode: number): void {
  const [, directory = '', name = path] = /^(.*\/)?([^/]+)$/.exec(path) ?? [];
  const temporary = `${directory}.${name}.new`;
  writeFileSync(temporary, content, { mode });
  renameSync(temporary, path);
}
