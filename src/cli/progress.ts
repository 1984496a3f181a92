// What a pull, push or load says while it goes on. On a terminal each layer has a line of its own that is written over, with a bar, its speed and the
// time that is left; elsewhere every change is one line, and what changes all the time is left away, as with Docker.
import type { Writable } from 'node:stream';
import type { ProgressMessage } from '../spec/docker/image.ts';
import { humanSize } from './units.ts';

export type ProgressStream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

const barWidthMax = 40;
const barWidthMin = 8;
/** Over so long a time a speed is measured. */
const speedMs = 3000;

export function progressView(stream: ProgressStream, now: () => number = () => performance.now()): (message: ProgressMessage) => void {
  return stream.isTTY === true ? terminalView(stream, now) : plainView(stream);
}

function plainView(stream: Writable): (message: ProgressMessage) => void {
  return (message) => {
    if (message.stream !== undefined) stream.write(message.stream);
    else if (message.status !== undefined && !isMoving(message)) stream.write(`${labelled(message)}\n`);
  };
}

function isMoving({ progressDetail }: ProgressMessage): boolean {
  return progressDetail?.current !== undefined;
}

function labelled({ id, status = '' }: ProgressMessage): string {
  return id === undefined ? status : `${id}: ${status}`;
}

function terminalView(stream: ProgressStream, now: () => number): (message: ProgressMessage) => void {
  let rows: string[] = [];
  const speeds = new Map<string, Speed>();
  const showRow = (id: string, line: string): void => {
    const row = rows.indexOf(id);
    const up = rows.length - row;
    if (row < 0) {
      rows.push(id);
      stream.write(`\x1b[2K${line}\n`);
    } else if (up < (stream.rows ?? 24)) stream.write(`\x1b[${up}A\r\x1b[2K${line}\x1b[${up}B\r`); // what has scrolled out at the top cannot be reached any more
  };
  return (message) => {
    const { id, status } = message;
    const columns = stream.columns ?? 80;
    if (message.stream !== undefined) stream.write(message.stream);
    else if (status !== undefined && id === undefined) {
      rows = [];
      stream.write(`\x1b[2K${status}\n`);
    } else if (id !== undefined) {
      const text = isMoving(message) ? moving(message, speedOf(speeds, `${status ?? ''} ${id}`), now(), columns) : labelled(message);
      showRow(id, clipped(text, columns));
    }
  };
}

/** No wider than the terminal: a line that wraps would move all that is counted from below. */
function clipped(text: string, columns: number): string {
  return text.length < columns ? text : text.slice(0, columns - 1);
}

function moving(message: ProgressMessage, speed: Speed, nowMs: number, columns: number): string {
  const { current = 0, total = 0 } = message.progressDetail ?? {};
  const perSecond = speed.at(nowMs, current);
  const left = perSecond > 0 && total > current ? `  ${humanSize(perSecond)}/s  ${timeLeft((total - current) / perSecond)} left` : '';
  const figures = total > 0 ? `${humanSize(current, 4)}/${humanSize(total, 4)}${left}` : humanSize(current, 4);
  const label = labelled(message);
  const width = Math.min(barWidthMax, columns - label.length - figures.length - 6);
  return width < barWidthMin || total <= 0 ? `${label}  ${figures}` : `${label} ${bar(current / total, width)}  ${figures}`;
}

function bar(share: number, width: number): string {
  const done = Math.min(width, Math.floor(share * width));
  return `[${done === width ? '='.repeat(width) : `${'='.repeat(done)}>`.padEnd(width)}]`;
}

/** `8s`, `3m12s`, `2h05m`. */
function timeLeft(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  const two = (number: number): string => String(number).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  return whole < 3600 ? `${Math.floor(whole / 60)}m${two(whole % 60)}s` : `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

interface Speed {
  /** Bytes in a second, over the last seconds. */
  at(nowMs: number, bytes: number): number;
}

function speedOf(speeds: Map<string, Speed>, key: string): Speed {
  const known = speeds.get(key);
  if (known !== undefined) return known;
  const samples: (readonly [atMs: number, bytes: number])[] = [];
  const speed: Speed = {
    at(nowMs, bytes) {
      samples.push([nowMs, bytes]);
      while (samples.length > 2 && nowMs - samples[0]![0] > speedMs) samples.shift();
      const [sinceMs, before] = samples[0]!;
      return nowMs > sinceMs ? ((bytes - before) / (nowMs - sinceMs)) * 1000 : 0;
    },
  };
  speeds.set(key, speed);
  return speed;
}
