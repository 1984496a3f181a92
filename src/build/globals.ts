// The arguments before the first FROM: they are for FROM alone, and stages that declare them again.
import { expand, locate, type Argument, type Dockerfile, type LineRange } from '../spec/dockerfile/index.ts';

export interface GlobalArgument {
  readonly argument: Argument;
  readonly value: string | undefined;
  /** Arguments that its default is made of. */
  readonly uses: ReadonlySet<string>;
  readonly lines: LineRange;
}

export interface Globals {
  /** What $NAME is in a FROM. */
  readonly values: ReadonlyMap<string, string>;
  readonly declared: ReadonlyMap<string, GlobalArgument>;
}

/** @throws a DockerfileError for a default that cannot be made out */
export function globalArguments({ globals, directives }: Pick<Dockerfile, 'globals' | 'directives'>, automatic: ReadonlyMap<string, string>, buildArgs: ReadonlyMap<string, string>): Globals {
  const values = new Map(automatic);
  const declared = new Map<string, GlobalArgument>();
  for (const { args, lines } of globals) {
    for (const argument of args) {
      const given = buildArgs.get(argument.name);
      const { text, matched } = given === undefined && argument.value !== undefined ? located(lines, () => expand(argument.value!, (name) => values.get(name), { escape: directives.escape })) : { text: given, matched: new Set<string>() };
      if (text !== undefined) values.set(argument.name, text);
      const uses = new Set([...matched].filter((name) => name !== argument.name));
      if (matched.has(argument.name)) for (const name of declared.get(argument.name)?.uses ?? []) uses.add(name);
      declared.set(argument.name, { argument, value: text, uses, lines });
    }
  }
  return { values, declared };
}

function located<T>(lines: LineRange, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw locate(error, lines);
  }
}
