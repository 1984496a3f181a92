// HEALTHCHECK: flags, then NONE, or CMD and a command.
import { parseDuration } from '../../base/index.ts';
import { readCommand } from './arguments.ts';
import { readFlags } from './flags.ts';
import type { HealthCheck } from './instruction.ts';
import { wrong } from './source.ts';
import type { Statement } from './statements.ts';

const none: HealthCheck = { test: ['NONE'], intervalNs: 0, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 0 };

export function readHealthCheck({ rest, flags: given }: Statement): HealthCheck {
  if (rest === '') throw wrong('HEALTHCHECK requires at least one argument');
  const [, written = '', argument = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
  const type = written.toUpperCase();
  if (type === 'NONE') {
    if (argument !== '') throw wrong('HEALTHCHECK NONE takes no arguments');
    return none;
  }
  const flags = readFlags(given, { interval: 'text', timeout: 'text', 'start-period': 'text', 'start-interval': 'text', retries: 'text' });
  if (type !== 'CMD') throw wrong(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  const interval = (name: 'interval' | 'timeout' | 'start-period' | 'start-interval'): number => nanoseconds(name, flags.text(name) ?? '');
  return {
    test: testOf(argument),
    intervalNs: interval('interval'), timeoutNs: interval('timeout'), startPeriodNs: interval('start-period'), startIntervalNs: interval('start-interval'),
    retries: retriesOf(flags.text('retries') ?? ''),
  };
}

function testOf(argument: string): readonly string[] {
  const command = readCommand(argument);
  if (argument === '' || (command.form === 'exec' && command.words.length === 0)) throw wrong('Missing command after HEALTHCHECK CMD');
  return command.form === 'exec' ? ['CMD', ...command.words] : ['CMD-SHELL', command.line];
}

function nanoseconds(name: string, text: string): number {
  if (text === '') return 0;
  const ms = parseDuration(text);
  if (ms === undefined) throw wrong(`time: invalid duration ${JSON.stringify(text)}`, 'Write it like 30s or 1m30s');
  if (ms !== 0 && ms < 1) throw wrong(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
  return Math.round(ms * 1e6);
}

function retriesOf(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?\d{1,10}$/.test(text)) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`, 'Give a whole number to --retries');
  const retries = Number(text);
  if (retries > 2 ** 31 - 1) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  if (retries < 0) throw wrong(`--retries cannot be negative (${retries})`);
  return retries;
}
