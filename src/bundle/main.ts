// The program's main: global flags, a command, its flags and words; one line when it fails.
import { existsSync, writeFileSync, writeSync } from 'node:fs';
import { EstivaError, fail, isFail, messageOf } from '../base/index.ts';
import { create, type CreateOptions } from './create.ts';
import { preservedOf } from './descriptors.ts';
import { defaultSpec } from './default-spec.ts';
import { features } from './features.ts';
import { eventFlags, events } from './events.ts';
import { describeFlags, parseFlags, type FlagSpec, type Parsed } from './flags.ts';
import { openLog, type Log } from './log.ts';
import { StateDirectory } from './state.ts';
import { listText, psText, stateOf } from './reports.ts';
import { run, runExec } from './run.ts';
import { start } from './start.ts';
import { kill, pause, remove, resume } from './kill.ts';
import { update, updateFlags } from './update.ts';

const globalFlags: readonly FlagSpec[] = [
  { name: 'debug', kind: 'flag', what: 'write more into the log' },
  { name: 'log', kind: 'text', what: 'file for what goes wrong (default: standard error)' },
  { name: 'log-format', kind: 'text', what: 'text or json (default: text)' },
  { name: 'root', kind: 'text', what: 'directory for what is remembered of containers (default: /run/estiva-runtime)' },
  { name: 'criu', kind: 'text', what: 'taken for runc\'s sake: there is no checkpoint' },
  { name: 'systemd-cgroup', kind: 'flag', what: 'cgroupsPath has the form slice:prefix:name; the group is made where systemd would have it, without asking systemd' },
  { name: 'rootless', kind: 'text', what: 'taken for runc\'s sake: "true" is refused' },
  { name: 'help', short: 'h', kind: 'flag', what: 'this text' },
  { name: 'version', short: 'v', kind: 'flag', what: 'the version' },
];

const pidFile: FlagSpec = { name: 'pid-file', kind: 'text', what: 'file to write the process\'s pid to' };
const consoleSocket: FlagSpec = { name: 'console-socket', kind: 'text', what: 'unix socket that the terminal\'s outer end is sent to' };
const preserve: FlagSpec = { name: 'preserve-fds', kind: 'text', what: 'so many descriptors from 3 on go to the program (default: 0)' };
const creating: readonly FlagSpec[] = [
  { name: 'bundle', short: 'b', kind: 'text', what: 'the bundle\'s directory (default: the current one)' }, consoleSocket, pidFile,
  { name: 'no-pivot', kind: 'flag', what: 'enter the root with chroot: for hosts that run from a ramdisk' },
  { name: 'no-new-keyring', kind: 'flag', what: 'keep the caller\'s session keyring' }, preserve,
];
const format: FlagSpec = { name: 'format', short: 'f', kind: 'text', what: 'table or json (default: table)' };

interface Context {
  readonly states: StateDirectory;
  readonly log: Log;
  readonly systemd: boolean;
  readonly flags: Parsed;
}

interface Command {
  readonly words: string;
  readonly what: string;
  readonly flags: readonly FlagSpec[];
  /** Resolves to the exit code; nothing: 0. */
  readonly run: (context: Context) => Promise<number | undefined> | number | undefined | Promise<void> | void;
}

const commands: Readonly<Record<string, Command>> = {
  create: { words: '<container-id>', what: 'make a container that waits for start', flags: creating, run: async (context) => void await create(context.states, createOptions(context)) },
  start: { words: '<container-id>', what: 'run the program of a container that waits', flags: [], run: ({ states, flags, log }) => start(states, states.load(idOf(flags)), log) },
  run: {
    words: '<container-id>', what: 'create, start and wait for the end', run: (context) => run(context.states, createOptions(context), context),
    flags: [...creating, { name: 'detach', short: 'd', kind: 'flag', what: 'do not wait' }, { name: 'keep', kind: 'flag', what: 'do not delete the container when it has ended' }],
  },
  state: { words: '<container-id>', what: 'a container\'s state, as JSON', flags: [], run: ({ states, flags }) => print(`${JSON.stringify(stateOf(states, states.load(idOf(flags))), undefined, 2)}\n`) },
  kill: { words: '<container-id> [signal]', what: 'send a signal (default: SIGTERM)', flags: [{ name: 'all', short: 'a', kind: 'flag', what: 'to all its processes' }], run: ({ states, flags }) => kill(states.load(idOf(flags)), flags.words[1] ?? 'SIGTERM', flags.flag('all')) },
  delete: { words: '<container-id>', what: 'remove what is held for a container', flags: [{ name: 'force', short: 'f', kind: 'flag', what: 'end it first; none there is fine' }], run: deleteOne },
  exec: {
    words: '<container-id> <command> [arguments…]', what: 'run one more program in a container', run: (context) => runExec(context.states, idOf(context.flags), context.flags),
    flags: [
      consoleSocket, { name: 'cwd', kind: 'text', what: 'working directory' }, { name: 'env', short: 'e', kind: 'many', what: 'a variable, NAME=value' }, { name: 'tty', short: 't', kind: 'flag', what: 'with a terminal' },
      { name: 'user', short: 'u', kind: 'text', what: 'uid[:gid]' }, { name: 'additional-gids', short: 'g', kind: 'many', what: 'one more group' }, { name: 'process', short: 'p', kind: 'text', what: 'file with the whole process as JSON' },
      { name: 'detach', short: 'd', kind: 'flag', what: 'do not wait' }, pidFile, { name: 'process-label', kind: 'text', what: 'SELinux label' }, { name: 'apparmor', kind: 'text', what: 'AppArmor profile' },
      { name: 'no-new-privs', kind: 'flag', what: 'no more rights by execve' }, { name: 'cap', short: 'c', kind: 'many', what: 'one more capability' }, preserve,
      { name: 'cgroup', kind: 'text', what: 'a cgroup below the container\'s' }, { name: 'ignore-paused', kind: 'flag', what: 'also when it is paused' },
    ],
  },
  pause: { words: '<container-id>', what: 'stop all processes where they are', flags: [], run: ({ states, flags }) => pause(states, states.load(idOf(flags))) },
  resume: { words: '<container-id>', what: 'let them go on', flags: [], run: ({ states, flags }) => resume(states, states.load(idOf(flags))) },
  list: { words: '', what: 'all containers of this root', flags: [format, { name: 'quiet', short: 'q', kind: 'flag', what: 'ids only' }], run: ({ states, flags }) => print(listText(states, flags.text('format') ?? 'table', flags.flag('quiet'))) },
  ps: { words: '<container-id> [ps options]', what: 'a container\'s processes', flags: [format], run: async ({ states, flags }) => print(await psText(states.load(idOf(flags)), flags.text('format') ?? 'table', flags.words.slice(1))) },
  update: { words: '<container-id>', what: 'set other limits', flags: updateFlags, run: ({ states, flags }) => update(states.load(idOf(flags)), flags) },
  events: { words: '<container-id>', what: 'what a container uses (processor, memory, processes, block I/O), and kills for memory: a line of JSON each', flags: eventFlags, run: ({ states, flags }) => events(states.load(idOf(flags)), flags) },
  features: { words: '', what: 'what this runtime can do, as JSON', flags: [], run: () => print(`${JSON.stringify(features(), undefined, 2)}\n`) },
  spec: { words: '', what: 'write a config.json to begin with', flags: [{ name: 'bundle', short: 'b', kind: 'text', what: 'where to (default: the current directory)' }, { name: 'rootless', kind: 'flag', what: 'with a user namespace' }], run: writeSpec },
};

/** Resolves to the exit code. */
export async function runBundles(args: readonly string[], version: string): Promise<number> {
  let log = openLog({ path: undefined, format: 'text', debug: false });
  try {
    const global = parseFlags(args, globalFlags);
    if (global.flag('version')) return print(`estiva-runtime version ${version}\nspec: 1.2.0\n`);
    const [name, ...rest] = global.words;
    if (global.flag('help') || name === undefined || name === 'help') return print(help(commands[rest[0] ?? ''], rest[0]));
    log = openLog({ path: global.text('log'), format: logFormat(global.text('log-format')), debug: global.flag('debug') });
    const command = commands[name];
    if (command === undefined) throw refusal(name);
    if (['--help', '-h'].includes(rest[0] ?? '')) return print(help(command, name));
    if (global.text('rootless') === 'true') throw fail('unsupported', 'running without root is not supported');
    if (process.getuid?.() !== 0 && !['features', 'spec'].includes(name)) throw fail('denied', 'estiva-runtime must run as root: it makes namespaces, mounts and cgroups');
    const context: Context = { states: new StateDirectory(global.text('root') ?? '/run/estiva-runtime'), log, systemd: global.flag('systemd-cgroup'), flags: parseFlags(rest, command.flags) };
    return await command.run(context) ?? 0;
  } catch (error) {
    log.error(sentenceOf(error));
    return 1;
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof EstivaError) return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  return error instanceof Error && error.name !== 'KernelError' ? error.stack ?? error.message : messageOf(error);
}

function refusal(name: string): Error {
  if (name === 'checkpoint' || name === 'restore') return fail('unsupported', `${name} is not supported: a container's memory is not saved`, { hint: 'Stop the container, and start it anew' });
  return fail('invalid', `No help topic for '${name}'`, { hint: `Commands: ${Object.keys(commands).join(', ')}` });
}

function help(command: Command | undefined, name: string | undefined): string {
  if (command !== undefined) return `estiva-runtime ${name} — ${command.what}\n\nUSAGE:\n   estiva-runtime ${name} [command options] ${command.words}\n\nOPTIONS:\n${describeFlags(command.flags)}`;
  const width = Math.max(...Object.keys(commands).map(({ length }) => length));
  const list = Object.entries(commands).map(([each, { what }]) => `   ${each.padEnd(width)}  ${what}\n`).join('');
  return `estiva-runtime — an OCI runtime: containers from bundles\n\nUSAGE:\n   estiva-runtime [global options] command [command options] [arguments…]\n\nCOMMANDS:\n${list}\nGLOBAL OPTIONS:\n${describeFlags(globalFlags)}`;
}

function print(text: string): 0 {
  writeSync(1, text);
  return 0;
}

function logFormat(text = 'text'): 'text' | 'json' {
  if (text !== 'text' && text !== 'json') throw fail('invalid', `unknown log-format ${JSON.stringify(text)}`, { hint: 'One of text, json' });
  return text;
}

function idOf({ words }: Parsed): string {
  const [id] = words;
  if (id === undefined) throw fail('invalid', 'the container\'s id is missing');
  return id;
}

function createOptions({ flags, systemd }: Context): CreateOptions {
  return {
    id: idOf(flags), bundle: flags.text('bundle') ?? '.', consoleSocket: flags.text('console-socket'), pidFile: flags.text('pid-file'), withoutPivot: flags.flag('no-pivot'),
    withoutKeyring: flags.flag('no-new-keyring'), preservedDescriptors: preservedOf(flags), systemd,
  };
}

async function deleteOne({ states, flags, log }: Context): Promise<void> {
  const id = idOf(flags);
  try {
    await remove(states, states.load(id), flags.flag('force'), log);
  } catch (error) {
    if (!(isFail(error, 'not_found') && flags.flag('force'))) throw error;
    // Of one whose creation was cut off there may be a directory without a state.
    states.remove(id);
  }
}

function writeSpec({ flags }: Context): void {
  const path = `${flags.text('bundle') ?? '.'}/config.json`;
  if (existsSync(path)) throw fail('conflict', `File ${path} exists. Remove it first`);
  writeFileSync(path, `${JSON.stringify(defaultSpec(flags.flag('rootless')), undefined, 2)}\n`, { mode: 0o666 });
}
