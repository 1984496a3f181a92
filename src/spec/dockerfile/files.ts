// COPY and ADD: sources, a destination, and files that are written right there.
import { readList } from './arguments.ts';
import { readFlags } from './flags.ts';
import { heredocMark, meantContent } from './heredoc.ts';
import type { Add, Copy, Files, InlineFile, Placed } from './instruction.ts';
import { wrong } from './source.ts';
import type { Statement } from './statements.ts';

const common = { chown: 'text', chmod: 'text', link: 'flag', exclude: 'list' } as const;

export function readCopy(statement: Statement, placed: Placed): Copy {
  const sources = readSources('COPY', statement);
  const flags = readFlags(statement.flags, { ...common, from: 'text', parents: 'flag' });
  return { ...placed, kind: 'COPY', ...sources, ...commonOf(flags), from: flags.text('from') || undefined, parents: flags.flag('parents') ?? false };
}

export function readAdd(statement: Statement, placed: Placed): Add {
  const sources = readSources('ADD', statement);
  const flags = readFlags(statement.flags, { ...common, 'keep-git-dir': 'flag', checksum: 'text', unpack: 'flag' });
  return { ...placed, kind: 'ADD', ...sources, ...commonOf(flags), keepGitDir: flags.flag('keep-git-dir'), checksum: flags.text('checksum') || undefined, unpack: flags.flag('unpack') };
}

type CommonFlags = Pick<ReturnType<typeof readFlags<keyof typeof common>>, 'text' | 'flag' | 'list'>;

function commonOf(flags: CommonFlags): Pick<Files, 'chown' | 'chmod' | 'link' | 'exclude'> {
  return { chown: flags.text('chown') || undefined, chmod: flags.text('chmod') || undefined, link: flags.flag('link') ?? false, exclude: flags.list('exclude') };
}

function readSources(name: string, { rest, heredocs }: Statement): Pick<Files, 'sources' | 'inline' | 'destination'> {
  const { words } = readList(rest);
  if (words.length < 2) throw wrong(`${name} requires at least two arguments, but only one was provided. Destination could not be determined`, `Write ${name} SOURCE... DESTINATION`);
  const destination = words.at(-1)!;
  if (heredocs.length > 0 && heredocMark(destination) !== undefined) throw wrong(`${name} cannot accept a heredoc as a destination`);
  const contents = new Map(heredocs.map((heredoc) => [heredoc.name, heredoc]));
  const sources: string[] = [];
  const inline: InlineFile[] = [];
  for (const word of words.slice(0, -1)) {
    const heredoc = heredocs.length === 0 ? undefined : contents.get(heredocMark(word)?.name ?? '');
    if (heredoc === undefined) sources.push(word);
    else inline.push({ name: heredoc.name, content: meantContent(heredoc), expands: heredoc.expands });
  }
  return { sources, inline, destination };
}
