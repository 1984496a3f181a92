// An ssh agent for the time of a build, with the keys that --ssh names: OpenSSH's own, so that every kind of key is known, and one with a passphrase asks for it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Exit } from '../errors.ts';

export interface Agent extends Disposable {
  readonly socketPath: string;
}

const startMs = 5000;

/** @throws Exit when OpenSSH is not installed, or does not take a key */
export async function agentOfKeys(id: string, keys: readonly string[]): Promise<Agent> {
  using undo = new DisposableStack();
  const dir = mkdtempSync(join(tmpdir(), 'estiva-ssh-'));
  undo.defer(() => rmSync(dir, { recursive: true, force: true }));
  const socketPath = join(dir, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socketPath], { stdio: 'ignore' });
  undo.defer(() => void agent.kill());
  await started(agent, socketPath, id);
  const added = spawnSync('ssh-add', ['-q', ...keys], { env: { ...process.env, SSH_AUTH_SOCK: socketPath }, stdio: ['inherit', 'ignore', 'pipe'] });
  if (added.status !== 0) throw new Exit(1, `ERROR: ssh ${id}: the key could not be added: ${added.stderr?.toString('utf8').trim().slice(0, 500) ?? 'ssh-add is not there'}`);
  const all = undo.move();
  return { socketPath, [Symbol.dispose]: () => all.dispose() };
}

async function started(agent: ChildProcess, socketPath: string, id: string): Promise<void> {
  let failure: Error | undefined;
  agent.once('error', (error) => { failure = error; });
  for (let waitedMs = 0; !existsSync(socketPath); waitedMs += 10) {
    if (failure !== undefined || agent.exitCode !== null || waitedMs > startMs) throw new Exit(1, `ERROR: ssh ${id}: ssh-agent could not be started: install OpenSSH, or give the socket of an agent`);
    await sleep(10);
  }
}
