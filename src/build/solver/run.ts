// RUN: what is run, and the variables that it sees.
import { fail } from '../../base/index.ts';
import type { Run } from '../../spec/dockerfile/index.ts';
import type { ImageRunConfig } from '../../spec/oci/image.ts';
import type { Step } from '../step.ts';
import { defaultShell } from './metadata.ts';

/** @throws `unsupported` for what comes later */
export function runCommandOf({ mounts, shell = defaultShell }: Pick<Step, 'mounts' | 'shell'>, { command, security }: Run): readonly string[] {
  const mount = mounts[0];
  if (mount !== undefined) throw fail('unsupported', `RUN --mount=type=${mount.type} comes later`, { hint: 'Copy what the step needs with COPY, and remove it again' });
  if (security === 'insecure') throw fail('unsupported', 'RUN --security=insecure comes later', { hint: 'Steps run with the rights of an ordinary container' });
  if (command.form === 'exec') return command.words;
  const { line, heredocs } = command;
  const [script, ...more] = heredocs;
  if (script === undefined) return [...shell, line];
  // Nothing but a heredoc: it is the script itself.
  if (more.length === 0 && /^\s*\d*<<-?\S+\s*$/.test(line)) {
    const content = script.stripsTabs ? script.content.replace(/^\t+/gm, '') : script.content;
    if (content.startsWith('#!')) throw fail('unsupported', 'A heredoc of RUN with an interpreter of its own (#!) comes later', { hint: 'Name the program: RUN python3 <<EOF' });
    return [...shell, content];
  }
  return [...shell, `${line}\n${heredocs.map(({ content, name }) => `${content}${name}\n`).join('')}`];
}

/** `shown`: the arguments as history has them, `|2 A=1 B=2 `. */
export function runVariables(step: Pick<Step, 'environment' | 'arguments'>, config: ImageRunConfig): { readonly environment: readonly string[]; readonly shown: string } {
  const variables = step.environment();
  const own = new Set((config.Env ?? []).map((entry) => entry.split('=', 1)[0]!));
  const names = [...new Set(step.arguments().map(({ name }) => name))].filter((name) => !own.has(name) && variables.get(name) !== undefined).sort();
  const args = names.map((name) => `${name}=${variables.get(name)}`);
  return { environment: [...config.Env ?? [], ...args], shown: args.length === 0 ? '' : `|${args.length} ${args.join(' ')} ` };
}
