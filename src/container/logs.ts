// A container's log: where it is, opened once, written while a program runs, read at any time.
import { fail } from '../base/index.ts';
import type { ContainerRecord, LogEntry, LogOptions } from './container.ts';
import { detailsOf, EntryLog, jsonFormat, localFormat, parseLogConfig, type ContainerLog } from './log/index.ts';
import type { Room } from './room.ts';

/** What opening the log would refuse. @throws `unsupported` for a driver that is not here, `invalid` for options that it does not have */
export function checkLog(record: ContainerRecord): void {
  parseLogConfig(record.hostConfig.LogConfig);
  detailsOf(record);
}

/** Docker's name for it; other drivers keep theirs to themselves. */
export function logPathOf(containerDir: string, id: string, driver: string): string {
  return driver === 'json-file' ? `${containerDir}/${id}-json.log` : '';
}

/** Undefined with the driver `none`. */
export function openContainerLog(room: Room, record: ContainerRecord): ContainerLog | undefined {
  const known = room.logs.get(record.id);
  if (known !== undefined) return known;
  const { driver, limits, lagBytesMax } = parseLogConfig(record.hostConfig.LogConfig);
  if (driver === 'none') return undefined;
  const dir = room.storage.containerDir(record.id);
  const file = driver === 'local' ? { path: `${dir}/local.log`, format: localFormat } : { path: record.logPath, format: jsonFormat(detailsOf(record)) };
  const log = new EntryLog({ ...file, cursorPath: `${dir}/log.cursor`, limits, lagBytesMax });
  room.logs.set(record.id, log);
  return log;
}

/** @throws `unsupported` with Docker's text when there is no log */
export function readContainerLog(room: Room, record: ContainerRecord, options: LogOptions): AsyncIterable<LogEntry> {
  const log = openContainerLog(room, record);
  if (log === undefined) throw fail('unsupported', 'configured logging driver does not support reading');
  return log.read(options);
}

export function closeContainerLog(room: Room, id: string): void {
  room.logs.get(id)?.[Symbol.dispose]();
  room.logs.delete(id);
}
