// The keys that leave a container with a terminal. The daemon acts on them; the command line only recognises that it was them that ended
// the stream, so that it does not wait for the container's end.

import type { Session } from './session.ts';

export const detachKeysDefault = 'ctrl-p,ctrl-q';

/** The bytes of `ctrl-p,ctrl-q`, `a`, `ctrl-@`; undefined when it is no key sequence. */
export function detachBytes(keys: string): Buffer | undefined {
  const bytes: number[] = [];
  for (const key of keys.split(',')) {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) bytes.push(control === '@' ? 0 : control.toUpperCase().charCodeAt(0) - 64);
    else if (Buffer.byteLength(key) === 1) bytes.push(key.charCodeAt(0));
    else return undefined;
  }
  return Buffer.from(bytes);
}

/** What the command line says, else the user's configuration; undefined: the daemon's default. */
export function detachKeysOf({ config }: Session, given: string | undefined): string | undefined {
  return given ?? config.setting('detachKeys');
}

/** Remembers the end of what was typed. */
export function detachWatcher(keys: string | undefined): { readonly see: (chunk: Buffer) => void; readonly isDetached: () => boolean } {
  const wanted = detachBytes(keys ?? detachKeysDefault) ?? Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  return {
    see(chunk) { tail = Buffer.concat([tail, chunk]).subarray(-Math.max(1, wanted.length)); },
    isDetached: () => wanted.length > 0 && tail.equals(wanted),
  };
}
