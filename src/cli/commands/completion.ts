// completion: a script made from the same tables as parser and help. Names of containers and images are asked of the daemon when TAB is hit.
import { commands, groups, type Catalog } from '../catalog.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: 'SHELL',
  summary: 'Print the completion script for a shell',
  flags: {},
  operands: { min: 1, max: 1 },
  async run({ operands: [shell = ''], session }) {
    if (shell !== 'bash' && shell !== 'zsh') throw new Exit(1, `no completion for ${JSON.stringify(shell)}: must be one of "bash", "zsh"`);
    const script = bashScript(session.program, await cases());
    say(session, shell === 'bash' ? script : `autoload -U +X bashcompinit && bashcompinit\n${script}`);
    return 0;
  },
});

const containers = '$(NAME ps -a --format "{{.Names}}" 2>/dev/null)';
const images = '$(NAME images --format "{{.Repository}}:{{.Tag}}" 2>/dev/null)';

/** What the operands of a command are; others take none that could be listed. */
const operandsOf: Readonly<Record<string, string>> = {
  attach: containers, exec: containers, kill: containers, logs: containers, rm: containers, start: containers, stop: containers, wait: containers,
  run: images, create: images, rmi: images, tag: images, inspect: `${containers} ${images}`,
  'image rm': images, 'image tag': images, 'image inspect': images, 'container inspect': containers,
};

/** One line for each command: its flags, and the way to find its operands. */
async function cases(): Promise<string[]> {
  const lines = [caseLine('', [...Object.keys(commands), ...Object.keys(groups), 'help'], '')];
  lines.push(...await catalogCases(commands, ''));
  for (const [name, group] of Object.entries(groups)) {
    lines.push(caseLine(name, Object.keys(group.commands), ''), ...await catalogCases(group.commands, `${name} `));
  }
  return lines;
}

async function catalogCases(catalog: Catalog, prefix: string): Promise<string[]> {
  const lines: string[] = [];
  for (const [name, { load }] of Object.entries(catalog)) {
    const path = prefix + name;
    // A command of the containers' group has the operands of its short form.
    const operands = operandsOf[path] ?? (prefix === 'container ' ? operandsOf[name] : undefined) ?? '';
    lines.push(caseLine(path, (await load()).flags, operands));
  }
  return lines;
}

function caseLine(path: string, words: readonly string[], operands: string): string {
  const pattern = /^[a-z]+$/.test(path) ? path : `'${path}'`;
  return `    ${pattern}) words='${words.join(' ')}'${operands === '' ? '' : `; operands=${operands.includes(' $') ? JSON.stringify(operands).replaceAll('\\"', '"') : operands}`} ;;`;
}

function bashScript(program: string, lines: readonly string[]): string {
  return `_${program}() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= words= operands= word at
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    [[ $word == -* ]] && continue
    if [[ -z $path ]]; then path=$word; elif [[ $path == @(${Object.keys(groups).join('|')}) ]]; then path="$path $word"; else break; fi
  done
  case $path in
${lines.map((line) => line.replaceAll('NAME', program)).join('\n')}
  esac
  [[ $current == -* ]] || words="$operands $([[ $words == --* ]] || echo "$words")"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${program} ${program}`;
}
