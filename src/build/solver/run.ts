// RUN: what is run, and the variables that it sees.
import { fail } from '../../base/index.ts';
import type { Run } from '../../spec/dockerfile/index.ts';
import type { ImageRunConfig } from '../../spec/oci/image.ts';
import { programOf } from '../program.ts';
import type { Step } from '../step.ts';

/** @throws `unsupported` for what comes later */
export function runCommandOf({ mounts, shell }: Pick<Step, 'mounts' | 'shell'>, run: Run): readonly string[] {
  const mount = mounts[0];
  if (mount !== undefined) throw fail('unsupported', `RUN --mount=type=${mount.type} comes later`, { hint: 'Copy what the step needs with COPY, and remove it again' });
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
