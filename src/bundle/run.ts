// run, and exec: made, started and waited for, or left alone with --detach.
import type { Fd } from '../kernel/index.ts';
import type { ApartProcess } from '../runtime/index.ts';
import { create, type CreateOptions } from './create.ts';
import { preservedOf } from './descriptors.ts';
import { exec, execProcess } from './exec.ts';
import type { Parsed } from './flags.ts';
import { exitOf, OwnTerminal, SignalRelay } from './foreground.ts';
import { remove } from './kill.ts';
import type { Log } from './log.ts';
import { start } from './start.ts';
import { replaceFile, type StateDirectory } from './state.ts';

/** Resolves to the program's exit code; 0 at once for a detached one. */
export async function run(states: StateDirectory, options: CreateOptions, { flags, log }: { readonly flags: Parsed; readonly log: Log }): Promise<number> {
  if (flags.flag('detach')) {
    const { record } = await create(states, options);
    await start(states, record, log);
    return 0;
  }
  using relay = new SignalRelay();
  using terminal = options.consoleSocket === undefined ? new OwnTerminal() : undefined;
  const { record, process, usesTerminal } = await create(states, options, terminal?.socket);
  try {
    await start(states, record, log);
    return await stay(process, relay, usesTerminal ? terminal : undefined);
  } finally {
    if (!flags.flag('keep')) await remove(states, record, true, log);
  }
}

export async function runExec(states: StateDirectory, id: string, flags: Parsed): Promise<number> {
  const record = states.load(id);
  const process = execProcess(states, id, flags, flags.words.slice(1));
  const detached = flags.flag('detach');
  const common = { process, consoleSocket: flags.text('console-socket'), preservedDescriptors: preservedOf(flags), ignorePaused: flags.flag('ignore-paused'), subCgroup: flags.text('cgroup') };
  const pidFile = flags.text('pid-file');
  const launch = async (socket?: Fd): Promise<ApartProcess> => {
    const launched = await exec(states, record, { ...common, terminalSocket: socket });
    if (pidFile !== undefined) replaceFile(pidFile, String(launched.pid), 0o644);
    return launched;
  };
  if (detached) {
    await launch();
    return 0;
  }
  using relay = new SignalRelay();
  using terminal = process.terminal === true && common.consoleSocket === undefined ? new OwnTerminal() : undefined;
  return await stay(await launch(terminal?.socket), relay, terminal);
}

/** Until it ends: its exit code. */
async function stay(process: ApartProcess, relay: SignalRelay, terminal: OwnTerminal | undefined): Promise<number> {
  relay.to(process.pidfd);
  const joined = await terminal?.join();
  try {
    const code = await exitOf(process);
    await joined?.output;
    return code;
  } finally {
    joined?.restore();
  }
}
