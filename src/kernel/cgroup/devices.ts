// Which devices a cgroup may use: a list of rules, where a later one wins, boiled down to "everything but" or "nothing but".
//
// The kernel's version 1 keeps exactly this form; for version 2 a BPF program is made of it (device-program.ts), so both decide alike.
// Source: the kernel's cgroup-v1/devices document and security/device_cgroup.c; OCI runtime spec config-linux.md, "Device Control Group".
import { fail } from '../../base/index.ts';
import type { DeviceRule } from '../../spec/oci/runtime.ts';

/** Read, write, make a node. */
export type DeviceAccess = 'r' | 'w' | 'm';

export interface DeviceException {
  readonly type: 'c' | 'b';
  /** Undefined: every number. */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  readonly access: readonly DeviceAccess[];
}

export interface DevicePolicy {
  readonly allowsByDefault: boolean;
  readonly exceptions: readonly DeviceException[];
}

const everyAccess: readonly DeviceAccess[] = ['r', 'w', 'm'];
/** Major numbers have 12 bits, minor numbers 20. */
const majorMax = 0xfff;
const minorMax = 0xfffff;

/** Before the first rule everything is allowed, as in a cgroup without rules. @throws EstivaError invalid */
export function devicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  let allowsByDefault = true;
  let exceptions = new Map<string, DeviceException>();
  for (const rule of rules) {
    checkRule(rule);
    const { allow, type = 'a', major, minor, access = 'rwm' } = rule;
    if (type === 'a') {
      allowsByDefault = allow;
      exceptions = new Map();
      continue;
    }
    const key = `${type} ${numberText(major)}:${numberText(minor)}`;
    const before = exceptions.get(key)?.access ?? [];
    if (allow === allowsByDefault) checkNoHole(rule, [...exceptions].filter(([other]) => other !== key).map(([, exception]) => exception));
    const after = everyAccess.filter((letter) => (access.includes(letter) ? allow !== allowsByDefault : before.includes(letter)));
    if (after.length === 0) exceptions.delete(key);
    else exceptions.set(key, { type, major, minor, access: after });
  }
  return { allowsByDefault, exceptions: [...exceptions.values()] };
}

function checkRule({ type = 'a', major, minor, access = 'rwm', allow }: DeviceRule): void {
  const shown = `${allow ? 'allow' : 'deny'} ${type} ${numberText(major)}:${numberText(minor)} ${access}`;
  const refuse = (reason: string): Error => fail('invalid', `Invalid device rule "${shown}": ${reason}`);
  if (!/^[rwm]+$/.test(access)) throw refuse('the access is made of r, w and m');
  if (!isNumber(major, majorMax) || !isNumber(minor, minorMax)) throw refuse('a device number is out of range');
  // The kernel would take such a rule and silently mean all devices.
  if (type === 'a' && (major !== undefined || minor !== undefined || !isEvery(access))) throw refuse('type "a" means all devices and every access');
}

/** A rule that takes back part of a wider or narrower one before it: version 1 cannot say that (it would silently do nothing), so nobody may. */
function checkNoHole({ type, major, minor, access = 'rwm', allow }: DeviceRule, exceptions: readonly DeviceException[]): void {
  const meets = (a: number | undefined, b: number | undefined): boolean => a === undefined || b === undefined || a === b;
  const other = exceptions.find((other) => other.type === type && meets(other.major, major) && meets(other.minor, minor) && other.access.some((letter) => access.includes(letter)));
  if (other === undefined) return;
  throw fail('invalid', `Invalid device rule "${allow ? 'allow' : 'deny'} ${type} ${numberText(major)}:${numberText(minor)} ${access}": it takes back a part of "${exceptionText(other)}"`, { hint: 'Name the devices in the same way in both rules' });
}

const isNumber = (value: number | undefined, max: number): boolean => value === undefined || (Number.isInteger(value) && value >= 0 && value <= max);
const isEvery = (access: string): boolean => everyAccess.every((letter) => access.includes(letter));
const numberText = (value: number | undefined): string => (value === undefined ? '*' : String(value));

/** `c 1:3 rwm`: what version 1's devices.allow and devices.deny take. */
export function exceptionText({ type, major, minor, access }: DeviceException): string {
  return `${type} ${numberText(major)}:${numberText(minor)} ${access.join('')}`;
}
