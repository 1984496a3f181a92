// A program in words: what `--explain` prints. The words come from the same ops that run.
import { capabilityNames, CLONE, MS, namespaceFlags, type Argument, type Image, type Op } from '../kernel/index.ts';

export interface ExplainedOp {
  readonly call: string;
  readonly text: string;
  readonly why: string;
}

export function explain(image: Image): readonly ExplainedOp[] {
  return image.ops.map((op) => ({ call: op.call, text: shortened(argumentsInWords(op)), why: shortened(op.why ?? '') }));
}

/** Ids of containers stand in most paths: twelve of their 64 digits say as much to a person. */
function shortened(text: string): string {
  return text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…');
}

/** Source: linux/prctl.h; those that plans use. */
const processControls: Readonly<Record<number, string>> = { 1: 'death signal', 8: 'keep capabilities', 24: 'drop from the bounding set', 38: 'no new privileges', 47: 'ambient capability' };

function argumentsInWords(op: Op): string {
  const special = inWords[op.call];
  return special === undefined ? op.args.map(argumentInWords).filter((text) => text !== '').join(' ') : special(op.args);
}

const inWords: Readonly<Partial<Record<Op['call'], (args: readonly Argument[]) => string>>> = {
  mount: ([source, target, type, flags, data]) => [
    text(source), text(source) === '' ? text(target) : `on ${text(target)}`, text(type) === '' ? '' : `type ${text(type)}`, bitsInWords(flags, MS), text(data),
  ].filter((word) => word !== '').join(' '),
  clone3: ([args]) => (isStruct(args) ? bitsInWords(Number(new DataView(args.struct.buffer, args.struct.byteOffset).getBigUint64(0, true)), CLONE) : ''),
  setns: ([fd, flags]) => `${argumentInWords(fd!)} ${bitsInWords(flags, namespaceFlags)}`,
  unshare: ([flags]) => bitsInWords(flags, namespaceFlags),
  mkdirat: ([, path, mode]) => `${text(path)} mode ${octal(mode)}`,
  mknodat: ([, path, mode]) => `${text(path)} mode ${octal(mode)}`,
  openat2: ([, path]) => text(path),
  openat: ([dir, path]) => `${typeof dir === 'number' ? '' : `${argumentInWords(dir!)} `}${text(path)}`,
  open_tree: ([, path]) => text(path),
  mount_setattr: ([, path]) => text(path),
  execve: ([path, args]) => `${text(path)} ${typeof args === 'object' && 'strings' in args ? JSON.stringify(args.strings) : ''}`,
  umask: ([mask]) => octal(mask),
  prctl: prctlInWords,
};

function prctlInWords([control, ...args]: readonly Argument[]): string {
  const values = args.filter((argument) => argument !== 0);
  const name = typeof control === 'number' ? processControls[control] : undefined;
  const isCapability = control === 24 && typeof values[0] === 'number';
  return [name ?? text(control), ...isCapability ? [capabilityNames[values[0] as number] ?? text(values[0])] : values.map(argumentInWords)].join(' ');
}

function argumentInWords(argument: Argument): string {
  if (typeof argument === 'string') return JSON.stringify(argument);
  if (typeof argument === 'number' || typeof argument === 'bigint') return String(argument);
  if (argument instanceof Uint8Array) return `{${argument.length} bytes}`;
  if ('slot' in argument) return `<${argument.slot}>`;
  if ('resultOf' in argument) return `<${argument.resultOf}>`;
  if ('recordOf' in argument) return `<how ${argument.recordOf} went>`;
  if ('strings' in argument) return JSON.stringify(argument.strings);
  if ('space' in argument) return `&${argument.space}`;
  return `{${argument.struct.length} bytes}`;
}

function text(argument: Argument | undefined): string {
  return argument === undefined || argument === 0 ? '' : argumentInWords(argument);
}

function octal(argument: Argument | undefined): string {
  return typeof argument === 'number' ? `0${(argument & 0o7777).toString(8)}` : '';
}

function isStruct(argument: Argument | undefined): argument is { readonly struct: Uint8Array; readonly pointers: Record<number, Argument> } {
  return typeof argument === 'object' && !(argument instanceof Uint8Array) && 'struct' in argument;
}

/** `MS_BIND|MS_REC` as `bind,rec`: the names of the bits that are set. CLONE's flags pass 32 bits, so they are compared by division. */
function bitsInWords(argument: Argument | undefined, names: Readonly<Record<string, number>>): string {
  if (typeof argument !== 'number') return '';
  return Object.entries(names).filter(([, bit]) => Math.floor(argument / bit) % 2 === 1).map(([name]) => name.toLowerCase()).join(',');
}
