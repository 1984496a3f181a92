// What went wrong, where engines look for it: a line in the log file that they named, and the sentence on standard error.
import { appendFileSync, writeSync } from 'node:fs';

export interface Log {
  debug(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface LogOptions {
  /** Absent: standard error. */
  readonly path: string | undefined;
  readonly format: 'text' | 'json';
  readonly debug: boolean;
}

export function openLog({ path, format, debug }: LogOptions): Log {
  const write = (level: string, message: string): void => {
    const time = new Date().toISOString();
    const line = format === 'json' ? JSON.stringify({ level, msg: message, time }) : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}`;
    if (path === undefined) writeSync(2, `${line}\n`);
    else appendFileSync(path, `${line}\n`, { mode: 0o644 });
  };
  return {
    debug: (message) => {
      if (debug) write('debug', message);
    },
    warn: (message) => write('warning', message),
    error: (message) => {
      write('error', message);
      if (path !== undefined) writeSync(2, `${message}\n`);
    },
  };
}
