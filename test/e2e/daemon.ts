// Our daemon as a test owns it: with a root, a run directory and a socket of its own, so that it can be killed, started again, and looked at.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesOf } from './census.ts';
import { patience } from './command.ts';
import { http } from './http.ts';

const launcher = resolve(import.meta.dirname, '../../bin/estiva');

export interface DaemonPlace {
  readonly rootDir: string;
  readonly runDir: string;
  readonly logPath: string;
}

export class Daemon {
  readonly socketPath: string;
  readonly place: DaemonPlace;
  #child: ChildProcess | undefined;

  constructor(place: DaemonPlace) {
    this.place = place;
    this.socketPath = join(place.runDir, 'estiva.sock');
  }

  /** The daemon's own pid (the launcher becomes it). */
  get pid(): number {
    if (this.#child?.pid === undefined || this.#child.exitCode !== null) throw new Error('The daemon does not run');
    return this.#child.pid;
  }

  get log(): string {
    return readFileSync(this.place.logPath, 'utf8');
  }

  /** The small process that outlives the daemon: of this root, but not the daemon, and known by its name. */
  get supervisorPid(): number | undefined {
    return processesOf(this.place.rootDir, this.place.runDir).find((process) => process.command.includes('supervisor'))?.pid;
  }

  /** Starts it and waits until it answers. @returns milliseconds until then. */
  async start(flags: readonly string[] = []): Promise<number> {
    const began = performance.now();
    const log = openSync(this.place.logPath, 'a');
    this.#child = spawn(launcher, ['daemon', '--root', this.place.rootDir, '--run', this.place.runDir, ...flags], { stdio: ['ignore', log, log] });
    closeSync(log);
    await this.#ready(this.#child, began + 20_000 * patience);
    return performance.now() - began;
  }

  async #ready(child: ChildProcess, deadline: number): Promise<void> {
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The daemon ended at its start:\n${this.log}`);
      if (existsSync(this.socketPath) && await answers(this.socketPath)) return;
      if (performance.now() > deadline) throw new Error(`The daemon does not answer:\n${this.log}`);
      await sleep(10);
    }
  }

  /** kill -9: what is running must go on. */
  async crash(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** As an administrator stops it. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const timely = await Promise.race([gone.then(() => true), sleep(15_000 * patience, false, { ref: false })]);
    if (timely) return;
    child.kill('SIGKILL');
    throw new Error(`The daemon did not end on ${signal} within 15 s`);
  }
}

async function answers(socketPath: string): Promise<boolean> {
  try {
    return (await http(socketPath, 'GET', '/_ping', undefined, { timeoutMs: 2_000 })).status === 200;
  } catch {
    return false; // Not listening yet: asked again until the deadline.
  }
}
