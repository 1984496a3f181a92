// Where an archive goes: a file of its own, or stdout, but never a terminal.
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { Exit } from './errors.ts';
import type { Session } from './session.ts';

export interface ArchiveOutput extends Disposable {
  write(bytes: Uint8Array): void | Promise<void>;
  /** It is whole: the file gets its name. */
  finish(): void;
}

/** `what`: the verb of Docker's messages. @throws Exit before anything is asked of the daemon. */
export function openArchiveOutput(session: Session, path: string | undefined, what: string): ArchiveOutput {
  if (path !== undefined && path !== '') return fileOutput(path, what);
  if (session.stdout.isTTY === true) throw new Exit(1, 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
  return { write: (bytes) => writeTo(session.stdout, bytes), finish: () => undefined, [Symbol.dispose]: () => undefined };
}

function fileOutput(path: string, what: string): ArchiveOutput {
  const refuse = (reason: string): Exit => new Exit(1, `failed to ${what}: invalid output path: ${reason}`);
  if (statSync(dirname(path), { throwIfNoEntry: false }) === undefined) throw refuse(`stat ${dirname(path)}: no such file or directory`);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) throw refuse(`${JSON.stringify(path)} is a directory`);
  // A device or a pipe cannot be replaced: it is written to. A file is there whole or as it was.
  const isReplaced = there === undefined || there.isFile();
  const partial = isReplaced ? `${path}.${process.pid}.partial` : path;
  const fd = openSync(partial, isReplaced ? 'wx' : 'w', 0o600);
  let isFinished = false;
  return {
    write: (bytes) => { for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at); },
    finish: () => {
      if (isReplaced) renameSync(partial, path);
      isFinished = true;
    },
    [Symbol.dispose]: () => {
      closeSync(fd);
      if (isReplaced && !isFinished) rmSync(partial, { force: true });
    },
  };
}

/** Resolves when the stream can take more; rejects when nobody reads it any more. */
export function writeTo(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => { stream.write(bytes, (error) => (error === undefined || error === null ? resolve() : reject(error))); });
}
