// Why another runtime did not start a program. All that it says is a line of text, as it is for dockerd: what kind of failure it was must be read
// from its words.
import { existsSync, readFileSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import { errnoName, errnoSentence, type Image } from '../../kernel/index.ts';
import type { LaunchAnswer } from '../../runtime/index.ts';
import { startFailureOf, type StartFailure } from '../start-failure.ts';
import type { ExternalRuntime } from './runtimes.ts';

interface Refused {
  readonly verb: 'run' | 'exec';
  readonly image: Image;
  readonly answer: Exclude<LaunchAnswer, { launched: unknown }>;
  readonly log: string;
}

const prefix = 'failed to create task for container';
/** A reason is a sentence; some runtimes add what a program has printed. */
const reasonCharactersMax = 8192;

export function externalFailure(runtime: ExternalRuntime, { verb, image, answer, log }: Refused): StartFailure {
  if ('failed' in answer) return ourFailure(runtime, image, answer.failed);
  const reason = inGoWords(reasonIn(log) ?? `it ended with code ${answer.declined} and gave no reason`);
  const said = verb === 'run' ? `${prefix}: OCI runtime run failed: ${reason}` : `OCI runtime exec failed: ${reason}`;
  return { exitCode: exitCodeOf(reason), error: fail('invalid', said) };
}

/** Docker's clients make exit codes of these words, as Go writes them; runtimes in C write them as libc does. */
function inGoWords(reason: string): string {
  return reason.replaceAll(/No such file or directory|Permission denied/g, (words) => words.toLowerCase());
}

/** Before the runtime came to run. */
function ourFailure(runtime: ExternalRuntime, image: Image, failed: Parameters<typeof startFailureOf>[1]): StartFailure {
  if (image.ops[failed.index]?.call !== 'execve') return startFailureOf(image, failed, []);
  return { exitCode: 128, error: fail('invalid', `${prefix}: cannot run runtime "${runtime.name}" (${JSON.stringify(runtime.path)}): ${errnoSentence(errnoName(failed.errno))}`) };
}

function exitCodeOf(reason: string): number {
  if (/executable file .*not found|no such file or directory/i.test(reason)) return 127;
  return /permission denied|exec format error|is a directory/i.test(reason) ? 126 : 128;
}

/** The last error of a runtime's log, which has one JSON object a line. */
export function reasonIn(log: string): string | undefined {
  if (!existsSync(log)) return undefined;
  for (const line of readFileSync(log, 'utf8').split('\n').toReversed()) {
    if (line === '') continue;
    const { level, msg } = entryOf(line);
    if (level === 'error' || level === 'fatal') return msg?.slice(0, reasonCharactersMax);
  }
  return undefined;
}

function entryOf(line: string): { readonly level?: string; readonly msg?: string } {
  try {
    return JSON.parse(line) as { level?: string; msg?: string };
  } catch {
    return { level: 'error', msg: line };
  }
}
