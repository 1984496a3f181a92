// Who a program runs as: `--user name`, `uid`, `name:group`, `uid:gid`, looked up in the container's own /etc/passwd and /etc/group.
//
// Those files come from the image or from the container itself: they are data from strangers. They are read once, size-limited, only when they are
// regular files, without ever following a link out of the container; nothing of the host's name service takes part.
import { fail } from '../base/index.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** Reads a file of the container, or undefined when it is not there. */
export type ReadFile = (path: string) => Uint8Array | undefined;

const idMax = 2 ** 31 - 1;

interface PasswdEntry { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string }
interface GroupEntry { readonly name: string; readonly gid: number; readonly members: readonly string[] }

/** @throws `invalid` with Docker's text for names that are not there and numbers out of range. */
export function resolveUser(text: string, groupAdd: readonly string[], readFile: ReadFile): User {
  const [userText = '', groupText] = text.split(':', 2);
  const passwd = parseLines(readFile('etc/passwd'), parsePasswd);
  const groups = parseLines(readFile('etc/group'), parseGroup);
  const entry = findUser(userText === '' ? '0' : userText, passwd);
  const gid = groupText === undefined || groupText === '' ? entry.gid : findGroup(groupText, groups);
  // A group that was named replaces the ones that the group file gives.
  const memberOf = groupText === undefined || groupText === '' ? groups.filter(({ members }) => entry.name !== '' && members.includes(entry.name)).map((group) => group.gid) : [];
  const added = groupAdd.map((group) => findGroup(group, groups));
  return { uid: entry.uid, gid, additionalGids: [...new Set([gid, ...memberOf, ...added])], home: entry.home === '' ? '/' : entry.home };
}

function findUser(text: string, passwd: readonly PasswdEntry[]): PasswdEntry {
  const named = passwd.find(({ name }) => name === text);
  if (named !== undefined && !isDisguised(text, named.uid)) return named;
  const uid = parseId(text);
  if (uid === undefined) throw fail('invalid', `unable to find user ${text}: no matching entries in passwd file`);
  return passwd.find((entry) => entry.uid === uid) ?? { name: '', uid, gid: 0, home: '/' };
}

function findGroup(text: string, groups: readonly GroupEntry[]): number {
  const named = groups.find(({ name }) => name === text);
  if (named !== undefined && !isDisguised(text, named.gid)) return named.gid;
  const gid = parseId(text);
  if (gid === undefined) throw fail('invalid', `unable to find group ${text}: no matching entries in group file`);
  return gid;
}

/** An image may call its root "1000": whoever asks for the number must not get it. */
function isDisguised(text: string, id: number): boolean {
  return id === 0 && /^\d+$/.test(text) && Number(text) !== 0;
}

/** Undefined for what is not a plain decimal number. */
function parseId(text: string): number | undefined {
  if (/^-?\d+$/.test(text) && (text.startsWith('-') || Number(text) > idMax)) throw fail('invalid', `uids and gids must be in range 0-${idMax}`);
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function parseLines<T>(bytes: Uint8Array | undefined, parse: (fields: readonly string[]) => T | undefined): readonly T[] {
  if (bytes === undefined) return [];
  return Buffer.from(bytes).toString('utf8').split('\n').map((line) => parse(line.trim().split(':'))).filter((entry) => entry !== undefined);
}

/** A line whose numbers are no ids is as if it were not there. */
function parsePasswd([name, , uid, gid, , home]: readonly string[]): PasswdEntry | undefined {
  if (name === undefined || name === '' || !isId(uid) || !isId(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home ?? '' };
}

function parseGroup([name, , gid, members]: readonly string[]): GroupEntry | undefined {
  if (name === undefined || name === '' || !isId(gid)) return undefined;
  return { name, gid: Number(gid), members: (members ?? '').split(',') };
}

function isId(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= idMax;
}
