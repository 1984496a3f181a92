// RUN: what is run, and the variables that it sees.
import { fail } from '../../base/index.ts';
import type { Run } from '../../spec/dockerfile/index.ts';
import type { ImageRunConfig } from '../../spec/oci/image.ts';
import { programOf } from '../program.ts';
import type { Step } from '../step.ts';
import { BuildFailure } from './failure.ts';
import { openMounts, planMounts } from './mounts.ts';
import type { RunMount } from './ports.ts';
import type { BuildState } from './state.ts';
import { stubRemoval } from './stubs.ts';
import type { MadeLayer, SolveOptions, StepRoom, Work } from './work.ts';

export async function runWork(step: Step, instruction: Run, state: BuildState, room: StepRoom): Promise<Work> {
  const command = runCommandOf(step, instruction);
  const { environment, shown } = runVariables(step, state.config);
  const { extraHosts, epochSeconds, network: usual } = room.options;
  const network = instruction.network === 'default' ? usual : instruction.network;
  const mounts = await planMounts(step, state, room);
  const { User: user = '', WorkingDir: workingDir = '' } = state.config;
  return {
    keyParts: ['RUN', command, environment, user, workingDir, network, extraHosts, epochSeconds, ...mounts.length === 0 ? [] : [mounts.map(({ keyParts }) => keyParts)]], createdBy: `${shown}${command.join(' ')}`, config: state.config,
    make: async () => {
      const { opened } = room;
      const ready = await openMounts(mounts, room, opened);
      return await room.inTurn(() => run({ command, environment, user, workingDir, network, mounts: ready }, instruction, state, room));
    },
  };
}

interface Program {
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly network: string;
  readonly mounts: readonly RunMount[];
}

async function run(program: Program, { lines }: Run, { layers, platform }: BuildState, { storage, opened, options, ports, signal, tell }: StepRoom): Promise<MadeLayer | undefined> {
  const { command, environment, mounts } = program;
  const { extraHosts, limits, epochSeconds: latestSeconds } = options;
  let containerId: string | undefined;
  const end = await ports.run({
    ...program, layers, platform, environment: [...environment, ...proxiesOf(options, environment)], extraHosts, limits, latestSeconds, signal,
    hasSecrets: false, onChanges: mounts.length === 0 ? () => undefined : stubRemoval(opened.use(storage.snapshots.openFiles(layers)), mounts.map(({ destination }) => destination)),
    onStarted: (id) => { containerId = id; tell({ what: 'running', containerId: id }); }, onOutput: (chunk) => tell({ what: 'output', ...chunk }),
  });
  if (end.exitCode !== 0) throw new BuildFailure(`The command '${command.join(' ')}' returned a non-zero code: ${end.exitCode}`, { lines: [lines], exitCode: end.exitCode });
  if (containerId !== undefined && options.removesContainers) tell({ what: 'removed', containerId });
  return end.layer;
}

const proxyNames = /^(https?_proxy|ftp_proxy|no_proxy|all_proxy)$/i;

/** Docker's proxy variables are there without being declared; they are no part of the key. */
function proxiesOf({ buildArgs }: SolveOptions, environment: readonly string[]): readonly string[] {
  const declared = new Set(environment.map((entry) => entry.split('=', 1)[0]!));
  return [...buildArgs].filter(([name]) => proxyNames.test(name) && !declared.has(name)).map(([name, value]) => `${name}=${value}`);
}

/** @throws `unsupported` for what comes later */
function runCommandOf({ shell }: Pick<Step, 'shell'>, run: Run): readonly string[] {
  if (run.security === 'insecure') throw fail('unsupported', 'RUN --security=insecure comes later', { hint: 'Steps run with the rights of an ordinary container' });
  const { args, files } = programOf(run, shell);
  if (files.length > 0) throw fail('unsupported', 'A heredoc of RUN with an interpreter of its own (#!) comes later', { hint: 'Name the program: RUN python3 <<EOF' });
  return args;
}

/** `shown`: the arguments as history has them, `|2 A=1 B=2 `. */
export function runVariables(step: Pick<Step, 'environment' | 'arguments'>, config: ImageRunConfig): { readonly environment: readonly string[]; readonly shown: string } {
  const variables = step.environment();
  const own = new Set((config.Env ?? []).map((entry) => entry.split('=', 1)[0]!));
  const names = [...new Set(step.arguments().map(({ name }) => name))].filter((name) => !own.has(name) && variables.get(name) !== undefined).sort();
  const args = names.map((name) => `${name}=${variables.get(name)}`);
  return { environment: [...config.Env ?? [], ...args], shown: args.length === 0 ? '' : `|${args.length} ${args.join(' ')} ` };
}
