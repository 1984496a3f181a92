// Runs node's test runner and reads its own summary: what people see is the spec report, what the script counts comes from the tap report.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Runs the files; a run that is killed at its time limit, or that ends without a summary, has failed. */
export async function runTests(files: readonly string[], flags: readonly string[], tapFile: string, timeoutMs: number): Promise<Counts> {
  const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap', `--test-reporter-destination=${tapFile}`];
  const args = ['--disable-warning=ExperimentalWarning', '--test', ...flags, ...reporters, ...files];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], timeout: timeoutMs, killSignal: 'SIGKILL' });
  const [code] = await once(child, 'exit') as [number | null];
  if (code === null) console.log(`The tests were stopped: not done within ${timeoutMs / 1000} s`);
  return counted(tapFile, code);
}

/** From a tap report. `code`: how the runner ended; undefined when nobody saw it. A report without its summary has failed. */
export function counted(tapFile: string, code: number | null | undefined): Counts {
  const tap = readFileSync(tapFile, 'utf8');
  rmSync(tapFile);
  const number = (word: string): number | undefined => {
    const found = new RegExp(`^# ${word} (\\d+)$`, 'm').exec(tap)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const passed = number('pass');
  const failed = (number('fail') ?? 0) + (number('cancelled') ?? 0);
  const isWhole = passed !== undefined && (code === undefined || code === 0);
  return { passed: passed ?? 0, failed: isWhole ? failed : Math.max(1, failed), skipped: number('skipped') ?? 0 };
}

export function sum(...all: readonly Counts[]): Counts {
  const total = (of: keyof Counts): number => all.reduce((subtotal, counts) => subtotal + counts[of], 0);
  return { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
}
