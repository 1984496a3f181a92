// The options of the log drivers, as Docker's clients write them: --log-opt max-size=10m --log-opt max-file=3
import { fail } from '../../base/index.ts';
import type { LogConfig } from '../../spec/docker/container.ts';

export interface LogLimits {
  /** The file is rotated once it is this long. */
  readonly sizeBytesMax: number;
  /** Files kept, the current one included. */
  readonly filesMax: number;
  /** Whether files that are full are compressed. */
  readonly compress: boolean;
}

export type LogDriver = 'json-file' | 'local' | 'none';

export interface LogSetting {
  readonly driver: LogDriver;
  readonly limits: LogLimits;
  /** mode=non-blocking: the program is not held up when its log lags by more than this; what is beyond is left out of the log. Undefined: it waits. */
  readonly lagBytesMax: number | undefined;
}

/** On by default, so that a container that talks for ever does not fill the disk. */
export const defaultLogLimits: LogLimits = { sizeBytesMax: 20_000_000, filesMax: 3, compress: false };
/** Docker's. */
const localLimits: LogLimits = { sizeBytesMax: 20_000_000, filesMax: 5, compress: true };
const bufferBytesDefault = 1_000_000;

const ofAll = ['mode', 'max-buffer-size'];
const ofLocal = [...ofAll, 'max-size', 'max-file', 'compress'];
const known: Readonly<Record<Exclude<LogDriver, 'none'>, readonly string[]>> = {
  'json-file': [...ofLocal, 'labels', 'labels-regex', 'env', 'env-regex', 'tag'],
  local: ofLocal,
};
const ofOthers = ['syslog', 'journald', 'gelf', 'fluentd', 'awslogs', 'splunk', 'etwlogs', 'gcplogs'];

/** @throws `invalid` with dockerd's own words where it has some; `unsupported` for a driver that sends logs elsewhere. */
export function parseLogConfig({ Type, Config }: LogConfig): LogSetting {
  const driver = parseDriver(Type);
  if (driver === 'none') return { driver, limits: defaultLogLimits, lagBytesMax: undefined };
  const lagBytesMax = parseMode(Config);
  for (const name of Object.keys(Config)) if (!known[driver].includes(name)) throw unknownOption(driver, name);
  return { driver, limits: driver === 'local' ? localLimitsOf(Config) : jsonLimitsOf(Config), lagBytesMax };
}

function parseDriver(type: string): LogDriver {
  if (type === '' || type === 'json-file') return 'json-file';
  if (type === 'local' || type === 'none') return type;
  const shown = type.slice(0, 100);
  if (ofOthers.includes(type)) throw fail('unsupported', `Log driver ${JSON.stringify(shown)} is not supported yet`, { hint: 'Use json-file, local or none' });
  throw fail('invalid', `error looking up logging plugin ${shown}: plugin "${shown}" not found`, { hint: 'Log drivers here: json-file, local, none' });
}

function unknownOption(driver: LogDriver, name: string): Error {
  const shown = name.slice(0, 100);
  return fail('invalid', driver === 'local' ? `unknown log opt '${shown}' for log driver local` : `unknown log opt '${shown}' for ${driver} log driver`);
}

function parseMode({ mode = '', 'max-buffer-size': size }: LogConfig['Config']): number | undefined {
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw fail('invalid', `logger: logging mode not supported: ${mode.slice(0, 100)}`);
  if (size === undefined) return mode === 'non-blocking' ? bufferBytesDefault : undefined;
  if (mode !== 'non-blocking') throw fail('invalid', 'logger: max-buffer-size option is only supported with \'mode=non-blocking\'');
  return parseSize(size, 'error parsing option max-buffer-size: ');
}

function jsonLimitsOf({ 'max-size': size, 'max-file': files, compress }: LogConfig['Config']): LogLimits {
  const limits = {
    // dockerd keeps all unless told otherwise; here the limits are on, and this is how to have none.
    sizeBytesMax: size === undefined || size === '' ? defaultLogLimits.sizeBytesMax : size === '-1' ? Infinity : positive(parseSize(size, '')),
    filesMax: files === undefined || files === '' ? defaultLogLimits.filesMax : parseCount(files, ''),
    compress: compress !== undefined && compress !== '' && parseBoolean(compress, ''),
  };
  if (limits.compress && (limits.filesMax < 2 || limits.sizeBytesMax === Infinity)) throw fail('invalid', 'compress cannot be true when max-file is less than 2 or max-size is not set');
  return limits;
}

function localLimitsOf({ 'max-size': size, 'max-file': files, compress }: LogConfig['Config']): LogLimits {
  const limits = {
    sizeBytesMax: size === undefined ? localLimits.sizeBytesMax : positive(parseSize(size, `invalid value for max-size: ${size.slice(0, 100)}: `)),
    filesMax: files === undefined ? localLimits.filesMax : parseCount(files, `invalid value for max-file: ${files.slice(0, 100)}: `),
    compress: compress === undefined ? localLimits.compress : parseBoolean(compress, 'error reading compress log option: '),
  };
  if (limits.compress && limits.filesMax < 2) throw fail('invalid', 'compression cannot be enabled when max file count is 1');
  return limits;
}

/** Decimal units (10m is ten million bytes), as dockerd takes them here. */
function parseSize(text: string, where: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  if (number === undefined) throw fail('invalid', `${where}invalid size: '${text.slice(0, 100)}'`, { hint: 'Write sizes as in 500k, 20m or 1g' });
  const [, letter] = /^([kmgtp]?)(?:i?b)?$/i.exec(unit) ?? [];
  if (letter === undefined) throw fail('invalid', `${where}invalid suffix: '${unit.slice(0, 100)}'`, { hint: 'Write sizes as in 500k, 20m or 1g' });
  return Math.floor(Number(number) * 1000 ** ' kmgtp'.indexOf(letter.toLowerCase() || ' '));
}

function positive(bytes: number): number {
  if (bytes < 1) throw fail('invalid', 'max-size must be a positive number');
  return bytes;
}

function parseCount(text: string, where: string): number {
  if (!/^[+-]?\d{1,6}$/.test(text)) throw fail('invalid', `${where}strconv.Atoi: parsing ${JSON.stringify(text.slice(0, 100))}: invalid syntax`);
  if (Number(text) < 1) throw fail('invalid', 'max-file cannot be less than 1');
  return Number(text);
}

/** As Go's strconv reads it. */
function parseBoolean(text: string, where: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw fail('invalid', `${where}strconv.ParseBool: parsing ${JSON.stringify(text.slice(0, 100))}: invalid syntax`);
}
