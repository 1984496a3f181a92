// Fish: one `complete` line for each word, on the condition that the command line stands at its command.
import { lister, type Completed } from './words.ts';

export function fishScript(program: string, all: readonly Completed[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const groups = all.filter(({ path }) => path !== '' && all.some((other) => other.path.startsWith(`${path} `))).map(({ path }) => path);
  const lines = all.flatMap(({ path, words, operands }) => {
    const condition = quoted(`__${program}_at ${path}`);
    return [
      ...words.map(({ word, what }) => {
        const place = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c ${program} -f -n ${condition} ${place} -d ${quoted(what)}`;
      }),
      ...operands.map((kind) => `complete -c ${program} -f -n ${condition} -a ${quoted(`(${lister(program, kind)})`)} -d ${kind.slice(0, -1)}`),
    ];
  });
  return `# The command that the line has come to, without flags, is the one given.
function __${program}_at
  set -l path
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; and continue
    if test (count $path) -eq 0; or begin; test (count $path) -eq 1; and contains -- $path[1] ${groups.join(' ')}; end
      set -a path $word
    else
      break
    end
  end
  test "$path" = "$argv"
end
${lines.join('\n')}`;
}
