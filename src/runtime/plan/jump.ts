// Small forms that programs are written with: the stub has only "jump when positive" and "jump on error".
import type { Op, Step } from '../../kernel/index.ts';
import { slots } from './setting.ts';

/** An op that always jumps: a process has a pid above 0. */
export function jump(to: string): Op {
  return { call: 'getpid', args: [], onPositive: { goto: to }, why: `go on at "${to}"` };
}

/** Makes each directory of an absolute path that is not there yet; `mkdir -p` whose failures show when the path is used. */
export function makeDirectories(path: string, why: string): readonly Op[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, i) => ({ call: 'mkdirat', args: [-100, `/${parts.slice(0, i + 1).join('/')}`, 0o755], onError: 'ignore', why }));
}

/** Opens `path`, writes `text` into it, closes it. Labels are made from the path. */
export function writeFile(path: string, text: string, why: string): readonly Step[] {
  const bytes = Buffer.from(text);
  const label = `open ${path}`;
  return [
    { call: 'openat', args: [-100, path, 0o2000001, 0], label, why },
    { call: 'write', args: [{ resultOf: label }, bytes, bytes.length], why: `${JSON.stringify(text)} to "${path}"` },
    { call: 'close', args: [{ resultOf: label }], onError: 'ignore' },
  ];
}

/** Tells whoever launched us how the op behind `label` went: its record goes where failures go. */
export function tell(label: string, why: string): Op {
  return { call: 'write', args: [{ slot: slots.error }, { recordOf: label }, 80], why };
}

/** Tells that this point is reached, and waits until the launcher has done its part. A launcher that is gone says nothing. */
export function waitForLauncher(label: string, why: string): readonly Step[] {
  return [
    { call: 'getpid', args: [], label, why },
    tell(label, 'the launcher is told'),
    { call: 'read', args: [{ slot: slots.go }, { space: 'word', sizeBytes: 64 }, 1], onPositive: { goto: `${label}: go on` }, why: 'and answers when it has done its part' },
    { call: 'exit_group', args: [127], why: 'nobody answers' },
    { label: `${label}: go on` },
  ];
}
