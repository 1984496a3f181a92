// RUN: what is run, and the variables that it sees.
import { fail } from '../../base/index.ts';
import { defaultShell, type Run } from '../../spec/dockerfile/index.ts';
import type { ImageRunConfig } from '../../spec/oci/image.ts';
import { programOf } from '../program.ts';
import type { Step } from '../step.ts';
import { BuildFailure } from './failure.ts';
import { openMounts, planMounts, type MountPlan, type OpenedMounts } from './mounts.ts';
import type { RunEnd, RunRequest, RunTerminal } from './ports.ts';
import { isProxyVariable } from './remote/proxy.ts';
import type { BuildState } from './state.ts';
import { stubRemoval } from './stubs.ts';
import type { MadeLayer, SolveOptions, StepRoom, Work } from './work.ts';

export async function runWork(step: Step, instruction: Run, state: BuildState, room: StepRoom): Promise<Work> {
  const { args: command, files } = programOf(instruction, step.shell);
  const { environment, shown } = runVariables(step, state.config);
  const { extraHosts, epochSeconds, network: usual } = room.options;
  refuseForbidden(instruction, room.options);
  const network = instruction.network === 'default' ? usual : instruction.network;
  const mounts = [...files.map((file) => scriptPlan(file, room)), ...await planMounts(step, state, room)];
  const isPrivileged = instruction.security === 'insecure';
  const { User: user = '', WorkingDir: workingDir = '' } = state.config;
  return {
    keyParts: ['RUN', command, environment, user, workingDir, network, extraHosts, epochSeconds, ...mounts.length === 0 ? [] : [mounts.map(({ keyParts }) => keyParts)], ...isPrivileged ? ['insecure'] : []], createdBy: `${shown}${command.join(' ')}`, config: state.config,
    make: async (during) => {
      const ready = await openMounts(mounts, during, during.opened);
      return await during.inTurn(() => run({ command, environment, user, workingDir, network, isPrivileged, shell: step.shell?.[0] ?? defaultShell[0]!, ready }, instruction, state, during));
    },
  };
}

interface Program extends Pick<RunRequest, 'command' | 'environment' | 'user' | 'workingDir' | 'network' | 'isPrivileged'> {
  /** What a person is offered when it fails. */
  readonly shell: string;
  readonly ready: OpenedMounts;
}

async function run(program: Program, { lines }: Run, { layers, platform }: BuildState, room: StepRoom): Promise<MadeLayer | undefined> {
  const { command, environment, ready: { mounts, environment: secrets }, user, workingDir, network, isPrivileged, shell } = program;
  const { storage, opened, ports, signal, tell, options } = room;
  const { extraHosts, limits, epochSeconds: latestSeconds } = options;
  const last = new LastWords();
  const failureOf = (end: FailedRun): BuildFailure => new BuildFailure(`The command '${command.join(' ')}' returned a non-zero code: ${end.exitCode}`, {
    lines: [lines], exitCode: end.exitCode, output: last.text(), hint: end.oomKilled ? outOfMemory(limits.Memory) : undefined,
  });
  let containerId: string | undefined;
  const end = await ports.run({
    command, user, workingDir, network, isPrivileged, mounts, layers, platform, environment: [...environment, ...proxiesOf(options, environment), ...secrets], extraHosts, limits, latestSeconds, signal,
    hasSecrets: secrets.length > 0, onChanges: mounts.length === 0 ? () => undefined : stubRemoval(opened.use(storage.snapshots.openFiles(layers)), mounts.map(({ destination }) => destination)),
    onStarted: (id) => { containerId = id; tell({ what: 'running', containerId: id }); },
    onOutput: (chunk) => { last.add(chunk.bytes); tell({ what: 'output', ...chunk }); },
    onFailure: (failed, runAgain) => offerShell(failureOf(failed), room, (terminal) => runAgain([shell], terminal)),
  });
  if (end.exitCode !== 0) throw failureOf(end);
  if (containerId !== undefined && options.removesContainers) tell({ what: 'removed', containerId });
  return end.layer;
}

type FailedRun = Pick<RunEnd, 'exitCode' | 'oomKilled'>;

/** The step waits for whoever wants to look into it. */
async function offerShell({ message, hint, exitCode, lines }: BuildFailure, { session, options: { offersShell }, signal }: StepRoom, run: (terminal: RunTerminal) => Promise<void>): Promise<void> {
  if (!offersShell || session === undefined) return;
  const terminal = await session.offerShell({ message: hint === undefined ? message : `${message} (${hint})`, exitCode, lines: lines.map(({ start, end }) => [start, end]) }, signal);
  if (terminal === undefined) return;
  await run(terminal);
  terminal.stream.end();
}

const lastBytesMax = 4096;

/** The end of what a program said. */
class LastWords {
  #bytes = Buffer.alloc(0);

  add(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(Math.max(0, bytes.length - lastBytesMax))]).subarray(-lastBytesMax);
  }

  text(): string {
    return this.#bytes.toString('utf8');
  }
}

/** Docker's proxy variables are there without being declared; they are no part of the key. */
function proxiesOf({ buildArgs }: SolveOptions, environment: readonly string[]): readonly string[] {
  const declared = new Set(environment.map((entry) => entry.split('=', 1)[0]!));
  return [...buildArgs].filter(([name]) => isProxyVariable(name) && !declared.has(name)).map(([name, value]) => `${name}=${value}`);
}

/** @throws `denied` in BuildKit's words */
function refuseForbidden({ network, security }: Run, { allowed, network: usual }: SolveOptions): void {
  const forbidden = [...network === 'host' && usual !== 'host' ? ['network.host'] : [], ...security === 'insecure' ? ['security.insecure'] : []].find((right) => !allowed.has(right));
  if (forbidden !== undefined) throw fail('denied', `${forbidden} is not allowed`, { hint: `If you trust the Dockerfile: estiva build --allow ${forbidden}` });
}

/** A script of a heredoc, as BuildKit shows it. */
function scriptPlan({ path, content }: ReturnType<typeof programOf>['files'][number], { storage: { snapshots } }: StepRoom): MountPlan {
  return {
    keyParts: ['script', path, content], destination: path,
    open: () => Promise.resolve({ mount: { source: () => snapshots.openMemoryFile(Buffer.from(content), { mode: 0o755, uid: 0, gid: 0 }), options: ['ro'] } }),
  };
}

function outOfMemory(limitBytes: number): string {
  return limitBytes > 0 ? `It was ended because it wanted more memory than it may have, ${limitBytes} bytes: give it more with --memory` : 'It was ended because the memory of the machine ran out';
}

/** `shown`: the arguments as history has them, `|2 A=1 B=2 `. */
export function runVariables(step: Pick<Step, 'environment' | 'arguments'>, config: ImageRunConfig): { readonly environment: readonly string[]; readonly shown: string } {
  const variables = step.environment();
  const own = new Set((config.Env ?? []).map((entry) => entry.split('=', 1)[0]!));
  const names = [...new Set(step.arguments().map(({ name }) => name))].filter((name) => !own.has(name) && variables.get(name) !== undefined).sort();
  const args = names.map((name) => `${name}=${variables.get(name)}`);
  return { environment: [...config.Env ?? [], ...args], shown: args.length === 0 ? '' : `|${args.length} ${args.join(' ')} ` };
}
