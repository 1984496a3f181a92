// Starts the local daemon when there is none: the same program as `daemon`, on its own, its output in daemon.log. Two command lines may do so
// at once: the daemon's lock lets one live, and both wait for the socket of that one.
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../base/index.ts';

export interface DaemonStart {
  readonly runDir: string;
  /** undefined: the daemon's default. */
  readonly rootDir: string | undefined;
  readonly socket: string;
  /** The words that start this program again. */
  readonly program: readonly string[];
  /** How long to wait for another daemon after ours has ended. */
  readonly otherMsMax?: number;
}

const readyMsMax = 10_000;
const otherMsDefault = 3000;
const pollMs = 10;

/** Resolves when the socket answers. @throws `unavailable` with the last lines of the log */
export async function startDaemon(start: DaemonStart): Promise<void> {
  const { runDir, socket, otherMsMax = otherMsDefault } = start;
  mkdirSync(runDir, { recursive: true, mode: 0o711 });
  const logPath = `${runDir}/daemon.log`;
  const child = await launch(start, logPath);
  child.unref();
  let deadline = Date.now() + readyMsMax;
  // Ours may have lost against another one, which is about to open the socket.
  child.once('exit', () => { deadline = Math.min(deadline, Date.now() + otherMsMax); });
  while (!await answers(socket)) {
    if (Date.now() > deadline) {
      throw fail('unavailable', `Cannot start the daemon: ${socket} does not answer`, { hint: `The end of ${logPath}:\n${lastLines(logPath)}` });
    }
    await sleep(pollMs);
  }
}

async function launch({ runDir, rootDir, program: [node = '', ...script] }: DaemonStart, logPath: string): Promise<ChildProcess> {
  // Loaded when a daemon is started only: it would cost every other command a millisecond.
  const { spawn } = await import('node:child_process');
  const log = openSync(logPath, 'a', 0o600);
  try {
    // The daemon works in /: what is relative here must not be relative there.
    const root = rootDir === undefined || rootDir === '' ? [] : ['--root', resolve(rootDir)];
    // As bin/estiva does for a daemon in the foreground.
    const env = { MALLOC_ARENA_MAX: '2', ...process.env };
    return spawn(node, [...script, 'daemon', ...root, '--run', runDir], { detached: true, stdio: ['ignore', log, log], cwd: '/', env });
  } finally {
    closeSync(log);
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ path });
    socket.once('connect', () => { socket.destroy(); settle(true); });
    socket.once('error', () => settle(false));
  });
}

const linesShown = 10;

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-linesShown).join('\n');
}
