// Docker's seccomp profile format: what `--security-opt seccomp=<json>` carries. It is the OCI form plus conditions: a rule may hold only
// with certain capabilities, on certain architectures or from a kernel version on. *Parsing* checks the text once, strictly: a misspelt field
// that is ignored would open what it was meant to close. *Resolving* answers the conditions for one container and leaves the OCI form.
import { fail, messageOf } from '../../base/index.ts';
import type { Seccomp, SeccompAction, SeccompArgument, SeccompCompare, SeccompFlag, SeccompRule } from '../oci/runtime.ts';
import * as read from './seccomp-fields.ts';

export interface SeccompProfile {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  /** Either these, as they are, or `archMap`: for each native architecture the others that its machines run. */
  readonly architectures?: readonly string[];
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] }[];
  readonly flags?: readonly SeccompFlag[];
  readonly syscalls: readonly SeccompProfileRule[];
}

export interface SeccompProfileRule extends SeccompRule {
  /** Why the rule is there. */
  readonly comment?: string;
  /** The rule holds only when all of these are true. */
  readonly includes?: SeccompPremise;
  /** The rule does not hold when one of these is true. */
  readonly excludes?: SeccompPremise;
}

export interface SeccompPremise {
  /** `CAP_SYS_ADMIN`: in the container's bounding set. */
  readonly caps?: readonly string[];
  /** In Go's words: `amd64`, `arm64`. */
  readonly arches?: readonly string[];
  /** `4.8`: that kernel or a newer one. */
  readonly minKernel?: string;
}

/** What a profile's conditions ask about. */
export interface SeccompCircumstances {
  readonly architecture: 'x64' | 'arm64';
  /** The bounding set, `CAP_CHOWN`. */
  readonly capabilities: readonly string[];
  /** As uname says it: `6.18.44-generic`. */
  readonly kernelRelease: string;
}

const actions = [
  'SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP', 'SCMP_ACT_TRACE', 'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
] as const satisfies readonly SeccompAction[];
const compares = [
  'SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ',
] as const satisfies readonly SeccompCompare[];
const flags = [
  'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
] as const satisfies readonly SeccompFlag[];
const native = { x64: { go: 'amd64', scmp: 'SCMP_ARCH_X86_64' }, arm64: { go: 'arm64', scmp: 'SCMP_ARCH_AARCH64' } } as const;

const errnoMax = 0xffff;
const argumentIndexMax = 5;

/** @throws `invalid`, naming the field: `syscalls[3].args[0].op: …`. */
export function parseSeccompProfile(text: string): SeccompProfile {
  let value: unknown;
  try {
    value = JSON.parse(text, read.exactInteger);
  } catch (error) {
    throw fail('invalid', `Cannot read seccomp profile: ${messageOf(error)}`, { cause: error });
  }
  const fields = read.object(value, '', [
    'defaultAction', 'defaultErrnoRet', 'defaultErrno', 'architectures', 'archMap', 'flags', 'syscalls',
  ]);
  if (isFilled(fields.architectures) && isFilled(fields.archMap)) {
    throw read.wrong('architectures', 'use either "architectures" or "archMap"');
  }
  checkErrnoName(fields, 'defaultErrno', 'defaultErrnoRet', '');
  return {
    defaultAction: read.oneOf(fields.defaultAction, 'defaultAction', actions),
    ...read.optional('defaultErrnoRet', fields.defaultErrnoRet, (it, at) => read.integer(it, at, errnoMax)),
    ...read.optional('architectures', fields.architectures, read.strings),
    ...read.optional('archMap', fields.archMap, (it, at) => read.list(it, at, parseArchMapEntry)),
    ...read.optional('flags', fields.flags, (it, at) => read.list(it, at, (flag, where) => read.oneOf(flag, where, flags))),
    syscalls: fields.syscalls === undefined || fields.syscalls === null ? [] : read.list(fields.syscalls, 'syscalls', parseRule),
  };
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** Podman's profiles give the errno's name beside its number: words for the reader. A name alone would change the rule's meaning. */
function checkErrnoName(fields: Readonly<Record<string, unknown>>, name: string, number: string, at: string): void {
  if (fields[name] !== undefined && fields[number] === undefined) throw read.wrong(read.join(at, name), `only understood beside "${number}"`);
}

function parseArchMapEntry(value: unknown, at: string): { architecture: string; subArchitectures: readonly string[] } {
  const fields = read.object(value, at, ['architecture', 'subArchitectures']);
  return {
    architecture: read.string(fields.architecture, read.join(at, 'architecture')),
    subArchitectures: read.optional('it', fields.subArchitectures, read.strings, read.join(at, 'subArchitectures')).it ?? [],
  };
}

function parseRule(value: unknown, at: string): SeccompProfileRule {
  const fields = read.object(value, at, ['name', 'names', 'action', 'errnoRet', 'errno', 'args', 'comment', 'includes', 'excludes']);
  checkErrnoName(fields, 'errno', 'errnoRet', at);
  return {
    names: parseNames(fields, at),
    action: read.oneOf(fields.action, read.join(at, 'action'), actions),
    ...read.optional('errnoRet', fields.errnoRet, (it, where) => read.integer(it, where, errnoMax), read.join(at, 'errnoRet')),
    ...read.optional('args', fields.args, (it, where) => read.list(it, where, parseArgument), read.join(at, 'args')),
    ...read.optional('comment', fields.comment, read.string, read.join(at, 'comment')),
    ...read.optional('includes', fields.includes, parsePremise, read.join(at, 'includes')),
    ...read.optional('excludes', fields.excludes, parsePremise, read.join(at, 'excludes')),
  };
}

/** Old profiles have one `name` in each rule. */
function parseNames({ name, names }: Readonly<Record<string, unknown>>, at: string): readonly string[] {
  const hasName = name !== undefined && name !== '';
  if (hasName && isFilled(names)) throw read.wrong(read.join(at, 'name'), 'use either "name" or "names"');
  const all = hasName ? [read.string(name, read.join(at, 'name'))] : read.strings(names, read.join(at, 'names'));
  if (all.length === 0 || all.includes('')) throw read.wrong(read.join(at, 'names'), 'expected names of system calls');
  return all;
}

function parseArgument(value: unknown, at: string): SeccompArgument {
  const fields = read.object(value, at, ['index', 'value', 'valueTwo', 'op']);
  return {
    index: read.integer(fields.index, read.join(at, 'index'), argumentIndexMax),
    value: read.unsigned64(fields.value, read.join(at, 'value')),
    ...read.optional('valueTwo', fields.valueTwo, read.unsigned64, read.join(at, 'valueTwo')),
    op: read.oneOf(fields.op, read.join(at, 'op'), compares),
  };
}

function parsePremise(value: unknown, at: string): SeccompPremise {
  const fields = read.object(value, at, ['caps', 'arches', 'minKernel']);
  return {
    ...read.optional('caps', fields.caps, read.strings, read.join(at, 'caps')),
    ...read.optional('arches', fields.arches, read.strings, read.join(at, 'arches')),
    ...read.optional('minKernel', fields.minKernel, parseMinKernel, read.join(at, 'minKernel')),
  };
}

function parseMinKernel(value: unknown, at: string): string {
  const text = read.string(value, at);
  if (!/^\d{1,5}\.\d{1,5}$/.test(text)) throw read.wrong(at, `expected a kernel version like "4.8", not "${text}"`);
  return text;
}

/** The OCI form of `profile` for one container. */
export function resolveSeccomp(profile: SeccompProfile, circumstances: SeccompCircumstances): Seccomp {
  const { scmp } = native[circumstances.architecture];
  const mapped = profile.archMap?.find((entry) => entry.architecture === scmp);
  const architectures = mapped ? [mapped.architecture, ...mapped.subArchitectures] : profile.architectures;
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures === undefined ? {} : { architectures }),
    ...(profile.flags === undefined ? {} : { flags: profile.flags }),
    syscalls: profile.syscalls.filter((rule) => holds(rule, circumstances)).map(toOciRule),
  };
}

function holds({ includes, excludes }: SeccompProfileRule, { architecture, capabilities, kernelRelease }: SeccompCircumstances): boolean {
  const arch = native[architecture].go;
  if (excludes?.arches?.includes(arch)) return false;
  if (excludes?.caps?.some((cap) => capabilities.includes(cap))) return false;
  if (excludes?.minKernel !== undefined && isKernelSince(kernelRelease, excludes.minKernel)) return false;
  if (includes?.arches?.length && !includes.arches.includes(arch)) return false;
  if (includes?.caps?.some((cap) => !capabilities.includes(cap))) return false;
  return includes?.minKernel === undefined || isKernelSince(kernelRelease, includes.minKernel);
}

/** `release` begins with major and minor: `6.18.44-generic`, `7.0`. */
function isKernelSince(release: string, version: string): boolean {
  const [major = 0, minor = 0] = release.split('.', 2).map((part) => Number.parseInt(part, 10));
  const [majorMin = 0, minorMin = 0] = version.split('.').map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

function toOciRule({ names, action, errnoRet, args }: SeccompProfileRule): SeccompRule {
  return { names, action, ...(errnoRet === undefined ? {} : { errnoRet }), ...(args === undefined ? {} : { args }) };
}
