// The files that commands read on the client's side: environment, labels, seccomp profiles, archives.
import { createReadStream, openSync, readFileSync } from 'node:fs';
import { Complaint, Exit } from '../errors.ts';

/** Reads `path` or complains in the words of Docker's client. */
function read(path: string, complaint: (reason: string) => string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Complaint(complaint(openError(path, error)));
  }
}

/** `open /x: no such file or directory`: how Go says that a file cannot be opened. */
export function openError(path: string, error: unknown): string {
  const words: Readonly<Record<string, string>> = { ENOENT: 'no such file or directory', EACCES: 'permission denied', EISDIR: 'is a directory', ENOTDIR: 'not a directory', EEXIST: 'file exists' };
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return `open ${path}: ${words[code] ?? code}`;
}

/** A file's bytes for an upload. @throws Exit when it cannot be opened. */
export function openArchive(path: string): AsyncIterable<Uint8Array> {
  try {
    return createReadStream(path, { fd: openSync(path, 'r'), highWaterMark: 256 * 1024 });
  } catch (error) {
    throw new Exit(1, openError(path, error));
  }
}

/** Lines that are neither empty nor comments, without the space before them. */
function linesOf(path: string): string[] {
  const lines = read(path, (reason) => reason).replace(/^\uFEFF/, '').split('\n').map((line) => line.replace(/\r$/, '').trimStart());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/** `NAME=value` lines; a name alone takes its value from `environment`, or is left out. */
export function readEnvironmentFile(path: string, environment: Readonly<Record<string, string | undefined>>): string[] {
  return linesOf(path).flatMap((line) => {
    const name = line.split('=', 1)[0] ?? '';
    if (name === '') throw new Complaint(`no variable name on line '${line}'`);
    if (/\s/.test(name)) throw new Complaint(`variable '${name}' contains whitespaces`);
    if (line.includes('=')) return [line];
    const value = environment[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/** `key=value` lines; Docker's client leaves a key alone out, and so do we. */
export function readLabelFile(path: string): string[] {
  return linesOf(path).filter((line) => line.includes('='));
}

/** A seccomp profile as the daemon wants it: the JSON itself, on one line. */
export function readSeccompProfile(path: string): string {
  const text = read(path, (reason) => `opening seccomp profile (${path}) failed: ${reason}`);
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw new Complaint(`compacting json for seccomp profile (${path}) failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
