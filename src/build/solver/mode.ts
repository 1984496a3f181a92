// The modes of --chmod: a number (755), or words as of chmod(1): `u=rwX,go=rX`. Words are changes of the mode that a file has, so one --chmod gives
// programs and directories their x, and others none. Source: POSIX, chmod, "Extended description"; the umask is 0, as BuildKit's is.
import { wrong } from '../../spec/dockerfile/index.ts';

/** The mode after it. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const permissions: Readonly<Record<string, number>> = { r: 4, w: 2, x: 1 };
/** Where the three bits of someone lie, and the bit that is beside them: setuid, setgid, sticky. */
const classes = { u: { shift: 6, special: 0o4000, letter: 's' }, g: { shift: 3, special: 0o2000, letter: 's' }, o: { shift: 0, special: 0o1000, letter: 't' } } as const;
type Class = keyof typeof classes;

/** @throws a DockerfileError for what is neither */
export function parseMode(text: string): ModeChange {
  if (/^0*[0-7]{1,4}$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    return () => mode;
  }
  const changes = text.split(',').flatMap((clause) => parseClause(clause, text));
  return (mode, isDirectory) => changes.reduce((now, change) => change(now, isDirectory), mode);
}

function parseClause(clause: string, whole: string): readonly ModeChange[] {
  const [, who, actions] = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/.exec(clause) ?? [];
  if (who === undefined || actions === undefined) throw wrong(`invalid chmod parameter: ${JSON.stringify(whole)}`, 'Write an octal number up to 07777, or words as chmod takes them: u=rwX,go=rX');
  const named = who === '' || who.includes('a') ? ['u', 'g', 'o'] as const : [...new Set(who)] as Class[];
  return [...actions.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map(([, action = '', what = '']) => (mode, isDirectory) => apply(mode, action, named, bitsOf(what, named, mode, isDirectory)));
}

/** The bits that `what` means for those who are named. */
function bitsOf(what: string, named: readonly Class[], mode: number, isDirectory: boolean): number {
  const copied = /^[ugo]$/.test(what) ? (mode >> classes[what as Class].shift) & 7 : undefined;
  const mayExecute = isDirectory || (mode & 0o111) !== 0;
  const three = copied ?? what.split('').reduce((bits, letter) => bits | (letter === 'X' ? Number(mayExecute) : permissions[letter] ?? 0), 0);
  return named.map((one) => classes[one]).reduce((bits, { shift, special, letter }) => bits | three << shift | (copied === undefined && what.includes(letter) ? special : 0), 0);
}

function apply(mode: number, action: string, named: readonly Class[], bits: number): number {
  if (action === '+') return mode | bits;
  if (action === '-') return mode & ~bits;
  return named.map((one) => classes[one]).reduce((rest, { shift, special }) => rest & ~(7 << shift | special), mode) | bits;
}
