// Names of volumes: what dockerd takes, and what it gives to those that nobody names.
import { randomBytes } from 'node:crypto';
import { fail } from '../base/index.ts';

/** Docker knows an anonymous volume by this label. */
export const anonymousLabel = 'com.docker.volume.anonymous';

export function anonymousName(): string {
  return randomBytes(32).toString('hex');
}

/** ext4's, and that of all others. */
const nameBytesMax = 255;

/** @throws `invalid` in dockerd's words */
export function checkName(name: string): void {
  if (name.length === 1) throw fail('invalid', `create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  if (!isName(name)) {
    throw fail('invalid', `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`);
  }
  if (name.length > nameBytesMax) throw fail('invalid', `create ${name.slice(0, 20)}…: a volume name has at most ${nameBytesMax} characters, and this one has ${name.length}`, { hint: 'Choose a shorter one' });
}

/** It is one component of a path, and no special one. */
export function isName(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text);
}
