// Hooks that run on the host: each is told the container's state on its standard input, and has its time.
import type { spawnSync } from 'node:child_process';
import { fail } from '../base/index.ts';
import type { Hook, HookPhase, Hooks } from '../spec/oci/runtime.ts';

/** The specification's state. */
export interface HookState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: 'creating' | 'created' | 'running' | 'stopped';
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

const outputBytesMax = 64 * 1024;

/** Runs the hooks of `phase`, one after the other. @throws EstivaError that names the hook; those after it do not run. */
export async function runHooks(hooks: Hooks | undefined, phase: HookPhase, state: HookState): Promise<void> {
  const all = hooks?.[phase] ?? [];
  if (all.length === 0) return;
  const child = await import('node:child_process');
  for (const [index, hook] of all.entries()) runHook(child.spawnSync, `${phase} hook #${index}`, hook, JSON.stringify(state));
}

function runHook(spawn: typeof spawnSync, name: string, hook: Hook, state: string): void {
  const { error, status, signal, stdout, stderr } = spawn(hook.path, hook.args?.slice(1) ?? [], {
    ...(hook.args?.[0] === undefined ? {} : { argv0: hook.args[0] }), env: environment(hook), input: state, maxBuffer: outputBytesMax, encoding: 'utf8',
    ...(hook.timeout === undefined ? {} : { timeout: hook.timeout * 1000, killSignal: 'SIGKILL' }),
  });
  const timedOut = error !== undefined && 'code' in error && error.code === 'ETIMEDOUT';
  if (timedOut) throw fail('timeout', `error running ${name}: ${JSON.stringify(hook.path)} did not end within ${hook.timeout} s`);
  if (error !== undefined) throw fail('invalid', `error running ${name}: ${error.message}`, { cause: error });
  if (status === 0) return;
  const how = signal === null ? `exit status ${status}` : `signal ${signal}`;
  throw fail('invalid', `error running ${name}: ${how}, stdout: ${stdout.trim()}, stderr: ${stderr.trim()}`);
}

function environment({ env = [] }: Hook): NodeJS.ProcessEnv {
  return Object.fromEntries(env.map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)]));
}
