// Changing the limits of a group that lives: each in its turn, and all of them or none.
import type { Limit } from './limit.ts';

export interface LimitFiles {
  /** What a file says now, in a form that can be written back; undefined when there is no such file. */
  read(controller: Limit['controller'], file: string): string | undefined;
  /** @throws EstivaError that names limit, value and reason */
  write(limit: Limit): void;
}

/**
 * When the kernel refuses one, those before it are put back. Returns what puts all of them back later; as far as the kernel lets it: a limit of
 * memory cannot go below what has been used in the meantime.
 */
export function changeLimits(limits: readonly Limit[], files: LimitFiles): () => void {
  const former: Limit[] = [];
  const putBack = (): void => {
    for (const limit of former.toReversed()) files.write(limit);
  };
  try {
    for (const limit of limits) {
      const before = asItIs(limit, files);
      if (before.value === limit.value && before.otherwise?.value === limit.otherwise?.value) continue;
      files.write(limit);
      former.push(before);
    }
  } catch (error) {
    putBack();
    throw error;
  }
  return putBack;
}

/** The same limit with the value that it has. */
function asItIs(limit: Limit, files: LimitFiles): Limit {
  const value = current(limit.value, files.read(limit.controller, limit.file));
  if (limit.otherwise === undefined) return { ...limit, value: value ?? '' };
  if (value !== undefined) return { ...limit, value, otherwise: { ...limit.otherwise, value } };
  const other = current(limit.otherwise.value, files.read(limit.controller, limit.otherwise.file));
  return { ...limit, otherwise: { ...limit.otherwise, value: other ?? '' } };
}

/** A device, or all that are not named: files of block I/O have a line for each that was set. */
const keyOf = /^(\d+:\d+|default) /;

/** Of a file with a line for each device, that device's; where it has none, what takes the setting away again. */
function current(asked: string, text: string | undefined): string | undefined {
  const key = keyOf.exec(asked)?.[1];
  if (key === undefined || text === undefined) return text;
  const line = text.split('\n').find((one) => one.startsWith(`${key} `));
  return line ?? (asked.includes('=') ? asked.replaceAll(/=\w+/g, '=max') : `${key} ${key === 'default' ? '100' : 'default'}`);
}

/**
 * Version 1 holds that memory alone never exceeds memory and swap together: raised beyond that, the sum goes first; lowered, memory.
 * `sumNow`: memory and swap as limited now.
 */
export function inWritableOrder(limits: readonly Limit[], sumNow: number): readonly Limit[] {
  const memory = limits.find(({ file }) => file === 'memory.limit_in_bytes');
  if (memory === undefined || (memory.value !== '-1' && Number(memory.value) <= sumNow)) return limits;
  return limits.toSorted((a, b) => Number(b.controller === 'swap') - Number(a.controller === 'swap'));
}
