// completion: a script made from the same tables as parser and help. Names of containers, images, networks, volumes and contexts are asked for when TAB is hit.
import { commands, groups, type Catalog } from '../catalog.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import type { Completed } from '../completion/words.ts';
import { zshScript } from '../completion/zsh.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { say } from '../session.ts';

const scripts = { bash: bashScript, fish: fishScript, zsh: zshScript } as const;

export const command = defineCommand({
  usage: 'SHELL',
  summary: 'Print the completion script for a shell: bash, fish or zsh',
  examples: [
    ['completion bash > /etc/bash_completion.d/estiva', 'for every bash from now on'],
    ['completion zsh > "${fpath[1]}/_estiva"', 'for every zsh'],
    ['completion fish > ~/.config/fish/completions/estiva.fish', 'for every fish'],
  ],
  flags: {},
  operands: { min: 1, max: 1 },
  async run({ operands: [shell = ''], session }) {
    const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
    if (script === undefined) throw new Exit(1, `no completion for ${JSON.stringify(shell)}: must be one of ${Object.keys(scripts).map((name) => JSON.stringify(name)).join(', ')}`);
    say(session, script(session.program, await completed()));
    return 0;
  },
});

/** Every command with its words; first the program itself. */
async function completed(): Promise<Completed[]> {
  const top = Object.entries(commands).map(([name, { summary }]) => ({ word: name, what: summary }));
  const groupWords = Object.entries(groups).map(([name, { summary }]) => ({ word: name, what: summary }));
  const all: Completed[] = [{ path: '', words: [...top, ...groupWords, { word: 'help', what: 'Help for a command' }], operands: [] }, ...await catalogWords(commands, '')];
  for (const [name, group] of Object.entries(groups)) {
    all.push({ path: name, words: Object.entries(group.commands).map(([word, { summary }]) => ({ word, what: summary })), operands: [] }, ...await catalogWords(group.commands, `${name} `));
  }
  return all;
}

async function catalogWords(catalog: Catalog, prefix: string): Promise<Completed[]> {
  return Promise.all(Object.entries(catalog).map(async ([name, { load }]) => {
    const { flags, usage } = await load();
    return { path: prefix + name, words: flags, operands: operandsIn(usage, prefix + name) };
  }));
}

/** What a command's usage line says that it takes. */
function operandsIn(usage: string, path: string): Completed['operands'] {
  const places: readonly (readonly [pattern: RegExp, kind: Completed['operands'][number]])[] = [
    [/\bCONTAINER\b|NAME\|ID/, 'containers'], [/IMAGE\b|NAME\|ID|REPOSITORY\[/, 'images'], [/\bCONTEXT\b/, 'contexts'], [/\bNETWORK\b/, 'networks'], [/\bVOLUME\b/, 'volumes'],
  ];
  if (/\bfile\|URL/.test(usage) || ['network create', 'volume create'].includes(path) || (path.startsWith('context ') && usage.includes('FILE'))) return [];
  return places.filter(([pattern]) => pattern.test(usage)).map(([, kind]) => kind);
}
