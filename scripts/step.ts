// One step of a script: a program with a name, a time limit and its output kept, shown only when it fails. What ok, build and test are made of.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Step {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface StepResult {
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

/** Runs it and keeps what it printed. A program that is missing, or that runs out of time, has failed. */
export async function runStep(step: Step): Promise<StepResult> {
  const began = performance.now();
  const child = spawn(step.program, step.args, {
    stdio: ['ignore', 'pipe', 'pipe'], timeout: step.timeoutMs, killSignal: 'SIGKILL', env: { ...process.env, ...step.env },
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await ended(child, (error) => chunks.push(Buffer.from(`${step.program}: ${error.message}\n`)));
  const seconds = (performance.now() - began) / 1000;
  if (child.signalCode === 'SIGKILL') chunks.push(Buffer.from(`${step.name}: killed after ${seconds.toFixed(0)} s\n`));
  return { ok: code === 0, seconds, output: Buffer.concat(chunks).toString() };
}

async function ended(child: ReturnType<typeof spawn>, onError: (error: Error) => void): Promise<number> {
  try {
    const [code] = await once(child, 'close') as [number | null];
    return code ?? 1;
  } catch (error) {
    onError(error as Error);
    return 1;
  }
}

/** Runs it, prints one line with its time, and its output when it failed. */
export async function report(step: Step): Promise<boolean> {
  const result = await runStep(step);
  console.log(`${result.ok ? 'ok    ' : 'FAILED'} ${step.name.padEnd(12)} ${result.seconds.toFixed(1).padStart(6)} s`);
  if (!result.ok) process.stdout.write(result.output.endsWith('\n') ? result.output : `${result.output}\n`);
  return result.ok;
}
