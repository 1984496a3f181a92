// Why a program did not start, in Docker's words: the op that failed becomes a sentence and an exit code.
// 127: there is no such program; 126: it cannot be run; 128: anything else went wrong before it.
import { fail, type EstivaError } from '../base/index.ts';
import { errnoName, errnoSentence, type Image, type Op } from '../kernel/index.ts';
import { bindLabel } from '../runtime/index.ts';

export interface StartFailure {
  readonly error: EstivaError;
  readonly exitCode: number;
}

const prefix = 'failed to create task for container: unable to start container process';

/** `failed` names the op by its index in `image`; `results` are those of all ops, as far as they are known; `cwd` is what was asked for. */
export function startFailureOf(image: Image, failed: { readonly index: number; readonly errno: number; readonly results: readonly number[] }, args: readonly string[], cwd = ''): StartFailure {
  const op = image.ops[failed.index];
  if (op?.call === 'execve') return commandFailure(args[0] ?? '', worstErrno(image, failed));
  const reason = errnoSentence(errnoName(failed.errno));
  if (op?.label === 'cwd') return { exitCode: 127, error: fail('invalid', `${prefix}: chdir to cwd (${JSON.stringify(cwd)}): ${reason}`) };
  return { exitCode: isMismatch(op, failed.errno) ? 127 : 128, error: fail('invalid', `${prefix}: ${describeLaunchFailure(image, failed)}`) };
}

/** The op that failed, and why: `error mounting /a on /b: not a directory …`. */
export function describeLaunchFailure(image: Image, { index, errno }: { readonly index: number; readonly errno: number }): string {
  const op = image.ops[index];
  if (op !== undefined && isMismatch(op, errno)) return `error mounting ${op.why ?? ''}: ${mismatch}`;
  return `${op === undefined ? 'launch' : describeOp(op)}: ${errnoSentence(errnoName(errno))}`;
}

/** A directory on a file, or the reverse. */
function isMismatch(op: Op | undefined, errno: number): boolean {
  return op?.label?.startsWith(bindLabel) === true && ['EINVAL', 'ENOTDIR'].includes(errnoName(errno));
}

const mismatch = 'not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';

/** Along PATH a program that may not be run is worse news than one that is not there. */
function worstErrno(image: Image, failed: { readonly errno: number; readonly results: readonly number[] }): string {
  const denied = image.ops.some((op, i) => op.call === 'execve' && errnoName(-(failed.results[i] ?? 0)) === 'EACCES');
  return denied ? 'EACCES' : errnoName(failed.errno);
}

function commandFailure(name: string, code: string): StartFailure {
  const quoted = JSON.stringify(name);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const text = name.includes('/') ? `exec: ${quoted}: stat ${name}: no such file or directory` : `exec: ${quoted}: executable file not found in $PATH`;
    return { exitCode: 127, error: fail('invalid', `${prefix}: ${text}`) };
  }
  return { exitCode: 126, error: fail('invalid', `${prefix}: exec: ${quoted}: ${errnoSentence(code)}`) };
}

/** The call with its first path, and why it was there: `mount "/proc" (proc on /proc)`. */
function describeOp(op: Op): string {
  const operand = op.args.filter((argument) => typeof argument === 'string' && argument !== '').map((argument) => JSON.stringify(argument)).join(' on ');
  return `${op.call}${operand === '' ? '' : ` ${operand}`}${op.why === undefined ? '' : ` (${op.why})`}`;
}
