// How run and create read single values: sizes, limits, devices, pairs. Complaints carry the words of Docker's client.
import { parseDuration } from '../../base/index.ts';
import { FlagError } from '../flags.ts';
import { parseBinarySize } from '../units.ts';

export function bytes(text: string): number {
  const size = parseBinarySize(text);
  if (size === undefined) throw new FlagError(`invalid size: '${text}'`);
  return size;
}

/** -1: no limit of swap. */
export function swapBytes(text: string): number {
  return text === '-1' ? -1 : bytes(text);
}

/** CPUs in 1e-9, from a decimal number or a fraction. */
export function nanoCpus(text: string): number {
  const match = /^(\d*\.?\d*)(?:\/(\d+))?$/.exec(text);
  if (match === null || !/\d/.test(text)) throw new FlagError(`failed to parse ${text} as a rational number`);
  const nano = (Number(match[1]) / Number(match[2] ?? 1)) * 1e9;
  if (!Number.isFinite(nano) || Math.abs(nano - Math.round(nano)) > 1e-6) throw new FlagError('value is too precise');
  return Math.round(nano);
}

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

const ulimitNames = new Set(['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime', 'sigpending', 'stack']);

/** `nofile=1024:2048` (soft:hard), `nproc=10` (both), -1: unlimited. */
export function ulimit(text: string): Ulimit {
  const match = /^([^=]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (match === null) throw new FlagError(`invalid ulimit argument: ${text}`);
  const [, Name = '', soft, hard] = match;
  if (!ulimitNames.has(Name)) throw new FlagError(`invalid ulimit type: ${Name}`);
  const [Soft, Hard] = [Number(soft), Number(hard ?? soft)];
  if (Hard !== -1 && (Soft === -1 || Soft > Hard)) throw new FlagError(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  return { Name, Soft, Hard };
}

export function attachStream(text: string): string {
  const stream = text.toLowerCase();
  if (!['stdin', 'stdout', 'stderr'].includes(stream)) throw new FlagError('valid streams are STDIN, STDOUT and STDERR');
  return stream;
}

/** `NAME=value`, or `NAME`. */
export function environmentEntry(text: string): string {
  if (text.startsWith('=')) throw new FlagError(`invalid environment variable: ${text}`);
  return text;
}

/** `key=value`; a key alone has an empty value. */
export function pair(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const sysctlNames = new Set(['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced']);

/** The sysctls that belong to a namespace. */
export function sysctl(text: string): readonly [key: string, value: string] {
  const [key, value] = pair(text);
  const isAllowed = text.includes('=') && (sysctlNames.has(key) || key.startsWith('net.') || key.startsWith('fs.mqueue.'));
  if (!isAllowed) throw new FlagError(`sysctl '${text}' is not allowed`);
  return [key, value];
}

export function deviceCgroupRule(text: string): string {
  if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text)) throw new FlagError(`invalid device cgroup format '${text}'`);
  return text;
}

/** `host:address` or `host=address`, written with a colon. */
export function extraHost(text: string): string {
  const match = /^([^=:]+)[=:](.+)$/.exec(text);
  if (match === null) throw new FlagError(`bad format for add-host: "${text}"`);
  return `${match[1]}:${match[2]!.replace(/^\[(.*)\]$/, '$1')}`;
}

export function ipAddress(text: string): string {
  if (!/^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i.test(text)) throw new FlagError(`IP address is not correctly formatted: ${text}`);
  return text;
}

/** `on-failure:3`: a policy's name, and how often at most. The daemon judges both. */
export function restartPolicy(text: string): { readonly Name: string; readonly MaximumRetryCount: number } {
  const [Name = '', count, ...rest] = text.split(':');
  if (Name === '' && count !== undefined) throw new FlagError('invalid restart policy format: no policy provided before colon');
  if (rest.length > 0 || (count !== undefined && !/^[+-]?\d+$/.test(count))) throw new FlagError('invalid restart policy format: maximum retry count must be an integer');
  return { Name, MaximumRetryCount: Number(count ?? 0) };
}

/** 16 bits, unsigned; which weights there are is the daemon's to say. */
export function blockWeight(text: string): number {
  if (!/^\d+$/.test(text)) throw new FlagError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) > 0xffff) throw new FlagError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return Number(text);
}

function splitDevice(text: string): readonly [path: string, amount: string] {
  const at = text.indexOf(':');
  if (at <= 0) throw new FlagError(`bad format: ${text}`);
  if (!text.startsWith('/dev/')) throw new FlagError(`bad format for device path: ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `/dev/sda:300`; 0 takes the weight away. */
export function deviceWeight(text: string): { readonly Path: string; readonly Weight: number } {
  const [Path, amount] = splitDevice(text);
  const Weight = /^\d+$/.test(amount) ? Number(amount) : NaN;
  if (Weight !== 0 && !(Weight >= 10 && Weight <= 1000)) throw new FlagError(`invalid weight for device: ${text}`);
  return { Path, Weight };
}

export interface Rate {
  readonly Path: string;
  readonly Rate: number;
}

/** `/dev/sda:1mb`: bytes a second. */
export function blockRate(text: string): Rate {
  const [Path, amount] = splitDevice(text);
  const Rate = parseBinarySize(amount);
  if (Rate === undefined || Rate < 0) throw new FlagError(`invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`);
  return { Path, Rate };
}

/** `/dev/sda:100`: operations a second. */
export function ioRate(text: string): Rate {
  const [Path, amount] = splitDevice(text);
  if (!/^\d{1,15}$/.test(amount)) throw new FlagError(`invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`);
  return { Path, Rate: Number(amount) };
}

/** `1m30s`. */
export function nanoseconds(text: string): number {
  const ms = parseDuration(text.replace(/^-/, ''));
  if (ms === undefined) throw new FlagError(/^-?[\d.]+$/.test(text) ? `time: missing unit in duration ${JSON.stringify(text)}` : `time: invalid duration ${JSON.stringify(text)}`);
  return Math.round(ms * 1e6) * (text.startsWith('-') ? -1 : 1);
}
