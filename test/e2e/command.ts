// Runs a program to its end with a time limit, its input given and its output kept.
import { spawn } from 'node:child_process';

/** How much longer everything may take than on a machine of one's own: on an emulated one, many times as long (ESTIVA_E2E_PATIENCE). */
export const patience = Number(process.env.ESTIVA_E2E_PATIENCE ?? 1);

export interface Outcome {
  /** -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Rejects only when the program cannot be started or runs out of time; an exit code is an outcome. */
export function command(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], env: options.env ?? process.env, ...(options.cwd && { cwd: options.cwd }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const timeoutMs = (options.timeoutMs ?? 20_000) * patience;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${program} ${args.join(' ')}: no end after ${timeoutMs} ms; stdout ends in ${JSON.stringify(text(stdout).slice(-300))}; stderr in ${JSON.stringify(text(stderr).slice(-300))}`));
    }, timeoutMs);
    child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr!.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, stdout: text(stdout), stderr: text(stderr) });
    });
    child.stdin?.on('error', () => { /* The program ended before it had read all: its outcome says what happened. */ });
    child.stdin?.end(options.input);
  });
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString();
}
