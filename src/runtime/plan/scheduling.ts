// When and where a process runs: its execution domain, its place in the queues for disk and processor, the processors it may use.
// All of it is done while the process is all-powerful. Source: personality(2), ioprio_set(2), sched_setattr(2), sched_setaffinity(2).
import { fail } from '../../base/index.ts';
import type { Op } from '../../kernel/index.ts';
import type { Linux, Process, Scheduler } from '../../spec/oci/runtime.ts';

export function schedulingSteps(process: Process): readonly Op[] {
  return [
    ...(process.ioPriority === undefined ? [] : [ioPriorityStep(process.ioPriority)]),
    ...(process.scheduler === undefined ? [] : [schedulerStep(process.scheduler)]),
  ];
}

const PER_LINUX32 = 8;

export function personalitySteps(personality: Linux['personality']): readonly Op[] {
  if (personality === undefined) return [];
  if (personality.flags !== undefined && personality.flags.length > 0) throw fail('unsupported', `linux.personality.flags: no flag is supported, and ${JSON.stringify(personality.flags[0])} is asked for`, { hint: 'The specification defines none; leave the list out' });
  return [{ call: 'personality', args: [personality.domain === 'LINUX32' ? PER_LINUX32 : 0], why: `execution domain ${personality.domain}` }];
}

const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
const IOPRIO_WHO_PROCESS = 1;
const IOPRIO_CLASS_SHIFT = 13;

function ioPriorityStep({ class: name, priority = 0 }: NonNullable<Process['ioPriority']>): Op {
  return { call: 'ioprio_set', args: [IOPRIO_WHO_PROCESS, 0, (ioClasses[name] << IOPRIO_CLASS_SHIFT) | priority], why: `disk priority ${name} ${priority}` };
}

const policies = { SCHED_OTHER: 0, SCHED_FIFO: 1, SCHED_RR: 2, SCHED_BATCH: 3, SCHED_ISO: 4, SCHED_IDLE: 5, SCHED_DEADLINE: 6 } as const;
const schedulerFlags: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 1, SCHED_FLAG_RECLAIM: 2, SCHED_FLAG_DL_OVERRUN: 4, SCHED_FLAG_KEEP_POLICY: 8, SCHED_FLAG_KEEP_PARAMS: 16, SCHED_FLAG_UTIL_CLAMP_MIN: 32, SCHED_FLAG_UTIL_CLAMP_MAX: 64,
};

/** `struct sched_attr`, 48 bytes: size, policy, flags, nice, priority, runtime, deadline, period. */
function schedulerStep(scheduler: Scheduler): Op {
  const struct = new Uint8Array(48);
  const view = new DataView(struct.buffer);
  view.setUint32(0, struct.length, true);
  view.setUint32(4, policies[scheduler.policy], true);
  view.setBigUint64(8, BigInt((scheduler.flags ?? []).reduce((bits, name) => bits | flagOf(name), 0)), true);
  view.setInt32(16, scheduler.nice ?? 0, true);
  view.setUint32(20, scheduler.priority ?? 0, true);
  for (const [index, value] of [scheduler.runtime, scheduler.deadline, scheduler.period].entries()) view.setBigUint64(24 + index * 8, BigInt(value ?? 0), true);
  return { call: 'sched_setattr', args: [0, struct, 0], why: `scheduled as ${scheduler.policy}` };
}

function flagOf(name: string): number {
  const bit = schedulerFlags[name];
  if (bit === undefined) throw fail('invalid', `process.scheduler.flags: unknown flag ${JSON.stringify(name)}`, { hint: `One of ${Object.keys(schedulerFlags).join(', ')}` });
  return bit;
}

const cpusMax = 8192;

/** `0-3,7` as the mask that sched_setaffinity(2) takes; nothing for an empty list. */
export function affinitySteps(list: string | undefined, why: string): readonly Op[] {
  if (list === undefined || list.trim() === '') return [];
  const mask = new Uint8Array(cpusMax / 8);
  for (const part of list.split(',')) {
    const [, from, to = from] = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part) ?? [];
    if (from === undefined || Number(to) >= cpusMax || Number(from) > Number(to)) throw fail('invalid', `process.execCPUAffinity: ${JSON.stringify(list)} is no list of CPUs`, { hint: 'A list looks like "0-3,7"' });
    for (let cpu = Number(from); cpu <= Number(to); cpu++) mask[cpu >> 3]! |= 1 << (cpu & 7);
  }
  return [{ call: 'sched_setaffinity', args: [0, mask.length, mask], why: `${why}: CPUs ${list}` }];
}
