// What RUN runs: the words of a JSON list, or a shell with a line. A heredoc that is the whole line is the script itself; one that begins with
// `#!` is a file that is run; others are given to the shell as they stand. Source: Dockerfile reference, "Here-Documents".
import { defaultShell, heredocMark, meantContent, type Run } from '../spec/dockerfile/index.ts';

export interface Program {
  readonly args: readonly string[];
  /** Files that the program needs, executable, read-only, at these paths. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

/** Where BuildKit shows the scripts of heredocs. */
const scriptDir = '/dev/pipes';

export function programOf({ command }: Run, shell: readonly string[] | undefined): Program {
  if (command.form === 'exec') return { args: command.words, files: [] };
  const [first] = command.heredocs;
  const inShell = (line: string): readonly string[] => [...shell ?? defaultShell, line];
  if (first === undefined) return { args: inShell(command.line), files: [] };
  if (heredocMark(command.line) === undefined) return { args: inShell([command.line, ...command.heredocs.map(({ content, name }) => `\n${content}${name}`)].join('')), files: [] };
  const content = meantContent(first);
  const path = `${scriptDir}/${first.name}`;
  return content.startsWith('#!') ? { args: inShell(path), files: [{ path, content }] } : { args: inShell(content), files: [] };
}
