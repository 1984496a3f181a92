// A container's log: where it is, opened once, written while a program runs, read at any time.
import { fail } from '../base/index.ts';
import type { HostConfig } from '../spec/docker/container.ts';
import type { ContainerRecord, LogEntry, LogOptions } from './container.ts';
import { JsonFileLog, parseLogLimits, type LogLimits } from './log/index.ts';
import type { Room } from './room.ts';

/** @throws `unsupported` for another driver, `invalid` for options that it does not have. */
export function parseLogOptions({ Type, Config }: HostConfig['LogConfig']): LogLimits {
  if (Type !== '' && Type !== 'json-file') throw fail('unsupported', `Log driver ${JSON.stringify(Type)} is not supported yet`, { hint: 'Use json-file' });
  return parseLogLimits(Config);
}

/** Docker's name for it. */
export function logPathOf(containerDir: string, id: string): string {
  return `${containerDir}/${id}-json.log`;
}

export function openContainerLog(room: Room, record: ContainerRecord): JsonFileLog {
  let log = room.logs.get(record.id);
  if (log === undefined) {
    log = new JsonFileLog({ path: record.logPath, cursorPath: `${room.storage.containerDir(record.id)}/log.cursor`, limits: parseLogOptions(record.hostConfig.LogConfig) });
    room.logs.set(record.id, log);
  }
  return log;
}

export function readContainerLog(room: Room, record: ContainerRecord, options: LogOptions): AsyncIterable<LogEntry> {
  return openContainerLog(room, record).read(options);
}

export function closeContainerLog(room: Room, id: string): void {
  room.logs.get(id)?.[Symbol.dispose]();
  room.logs.delete(id);
}
