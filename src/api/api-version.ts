// Versions of Docker's API: what paths may begin with, and what we say we are.
import { fail } from '../base/index.ts';

/** The version whose shapes we answer with: dockerd 28's. */
export const apiVersion = '1.51';
export const apiMinorOldest = 24;
/** Newer clients that insist get the shapes of 1.51. */
export const apiMinorNewest = 55;
const apiMinorDefault = 51;

/** Splits `/v1.43/info` into 43 and `/info`. @throws `invalid` with Docker's sentences for versions outside the range. */
export function splitVersion(path: string): { readonly minor: number; readonly rest: string } {
  const match = /^\/v(\d{1,4})\.(\d{1,4})(\/.*)$/.exec(path);
  if (match === null) return { minor: apiMinorDefault, rest: path };
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major > 1 || (major === 1 && minor > apiMinorNewest)) {
    throw fail('invalid', `client version ${major}.${minor} is too new. Maximum supported API version is 1.${apiMinorNewest}`);
  }
  if (major < 1 || minor < apiMinorOldest) {
    throw fail('invalid', `client version ${major}.${minor} is too old. Minimum supported API version is 1.${apiMinorOldest}, please upgrade your client to a newer version`);
  }
  return { minor, rest: match[3]! };
}
