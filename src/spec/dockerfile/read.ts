// From a statement to an instruction: one reader for each keyword.
import { readCommand, readJson, readList, readOne, readPairs } from './arguments.ts';
import type { Escape } from './directives.ts';
import { readAdd, readCopy } from './files.ts';
import { readFlags } from './flags.ts';
import { readHealthCheck } from './healthcheck.ts';
import type { Argument, Command, From, Instruction, OnBuild, Placed, Run } from './instruction.ts';
import { mountSource } from './mount.ts';
import { wrong } from './source.ts';
import type { Statement } from './statements.ts';
import { didYouMean } from './suggest.ts';
import { splitBlank, splitQuoted } from './words.ts';

type Reader = (statement: Statement, placed: Placed, escape: Escape) => Instruction;

const readers: Readonly<Record<Instruction['kind'], Reader>> = {
  ADD: readAdd,
  ARG: (statement, placed, escape) => ({ ...placed, kind: 'ARG', args: readArguments(withoutFlags(statement), escape) }),
  CMD: (statement, placed) => ({ ...placed, kind: 'CMD', command: readCommand(withoutFlags(statement).rest) }),
  COPY: readCopy,
  ENTRYPOINT: (statement, placed) => ({ ...placed, kind: 'ENTRYPOINT', command: readCommand(withoutFlags(statement).rest) }),
  ENV: (statement, placed, escape) => ({ ...placed, kind: 'ENV', pairs: readPairs('ENV', withoutFlags(statement).rest, escape) }),
  EXPOSE: (statement, placed) => ({ ...placed, kind: 'EXPOSE', ports: atLeastOne('EXPOSE', splitBlank(withoutFlags(statement).rest)).toSorted() }),
  FROM: readFrom,
  HEALTHCHECK: (statement, placed) => ({ ...placed, kind: 'HEALTHCHECK', check: readHealthCheck(statement) }),
  LABEL: (statement, placed, escape) => ({ ...placed, kind: 'LABEL', pairs: readPairs('LABEL', withoutFlags(statement).rest, escape) }),
  MAINTAINER: (statement, placed) => ({ ...placed, kind: 'MAINTAINER', name: readOne('MAINTAINER', withoutFlags(statement).rest) }),
  ONBUILD: readOnBuild,
  RUN: readRun,
  SHELL: (statement, placed) => ({ ...placed, kind: 'SHELL', words: readShell(withoutFlags(statement).rest) }),
  STOPSIGNAL: (statement, placed) => ({ ...placed, kind: 'STOPSIGNAL', signal: readOne('STOPSIGNAL', withoutFlags(statement).rest) }),
  USER: (statement, placed) => ({ ...placed, kind: 'USER', user: readOne('USER', withoutFlags(statement).rest) }),
  VOLUME: (statement, placed) => ({ ...placed, kind: 'VOLUME', paths: readVolumes(withoutFlags(statement).rest) }),
  WORKDIR: (statement, placed) => ({ ...placed, kind: 'WORKDIR', path: readOne('WORKDIR', withoutFlags(statement).rest) }),
};

const keywords = Object.keys(readers);

/** @throws a DockerfileError without lines */
export function readInstruction(statement: Statement, escape: Escape): Instruction {
  const { keyword, text, lines, comments } = statement;
  const name = keyword.toUpperCase();
  if (!Object.hasOwn(readers, name)) throw wrong(`unknown instruction: ${keyword.slice(0, 200)}${didYouMean(keyword, keywords, { ignoreCase: true })}`, hintFor(keyword));
  return readers[name as Instruction['kind']](statement, { keyword, text, lines, comments }, escape);
}

/** A shell command on a line of its own is the usual slip. */
function hintFor(keyword: string): string | undefined {
  return /^(apt-get|apt|apk|yum|dnf|pip|npm|cd|echo|mkdir|curl|&&|\|\|)$/.test(keyword) ? 'End the line before it with a backslash, or begin this one with RUN' : undefined;
}

function withoutFlags(statement: Statement): Statement {
  readFlags(statement.flags, {});
  return statement;
}

function atLeastOne(name: string, words: readonly string[]): readonly string[] {
  if (words.length === 0) throw wrong(`${name} requires at least one argument`);
  return words;
}

const stageName = /^[a-z][a-z0-9-_.]*$/;

function readFrom(statement: Statement, placed: Placed): From {
  const words = splitBlank(statement.rest);
  const [base = '', as, written] = words;
  if (words.length !== 1 && !(words.length === 3 && as!.toLowerCase() === 'as')) throw wrong('FROM requires either one or three arguments', 'Write FROM IMAGE, or FROM IMAGE AS NAME');
  const name = written?.toLowerCase();
  if (name !== undefined && !stageName.test(name)) throw wrong(`invalid name for build stage: ${JSON.stringify(written)}, name can't start with a number or contain symbols`);
  const platform = readFlags(statement.flags, { platform: 'text' }).text('platform');
  return { ...placed, kind: 'FROM', base, name, writtenName: written, as, platform: platform || undefined, description: name === undefined ? undefined : descriptionOf(name, placed.comments) };
}

/** `# NAME what it is` above an instruction. */
export function descriptionOf(name: string, comments: readonly string[]): string | undefined {
  const comment = comments.find((one) => one.startsWith(`${name} `));
  return comment?.slice(name.length + 1);
}

function readArguments({ rest, comments }: Statement, escape: Escape): readonly Argument[] {
  return atLeastOne('ARG', splitQuoted(rest, escape)).map((word) => {
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    if (name === '') throw wrong('ARG names can not be blank');
    return { name, value: at < 0 ? undefined : word.slice(at + 1), description: descriptionOf(name, comments) };
  });
}

const networks = ['default', 'none', 'host'] as const;
const securities = ['sandbox', 'insecure'] as const;

function readRun({ rest, flags: given, heredocs }: Statement, placed: Placed): Run {
  const flags = readFlags(given, { mount: 'list', network: 'text', security: 'text' });
  const mounts = flags.list('mount');
  for (const mount of mounts) mountSource(mount);
  const command = readCommand(rest, heredocs);
  if (command.form === 'shell' ? command.line === '' : command.words.length === 0) throw wrong('RUN requires at least one argument', 'Write RUN COMMAND');
  return { ...placed, kind: 'RUN', command, mounts, network: modeOf('network', flags.text('network'), networks), security: modeOf('security', flags.text('security'), securities) };
}

function modeOf<const T extends string>(flag: 'network' | 'security', value: string | undefined, modes: readonly T[]): T {
  const mode = value === undefined || value === '' ? modes[0]! : modes.find((one) => one === value);
  if (mode === undefined) throw wrong(flag === 'network' ? `invalid network mode ${JSON.stringify(value)}` : `security ${JSON.stringify(value)} is not valid`, `It is one of ${modes.join(', ')}${didYouMean(value!, modes)}`);
  return mode;
}

function readShell(rest: string): readonly string[] {
  const words = readJson(rest);
  if (rest === '') throw wrong('SHELL requires at least one argument');
  if (words === undefined) throw wrong('SHELL requires the arguments to be in JSON form', 'Write SHELL ["/bin/bash", "-c"]');
  return atLeastOne('SHELL', words);
}

function readVolumes(rest: string): readonly string[] {
  const paths = atLeastOne('VOLUME', readList(rest).words).map((path) => path.trim());
  if (paths.includes('')) throw wrong('VOLUME specified can not be an empty string');
  return paths;
}

function readOnBuild({ rest, text, flags, heredocs }: Statement, placed: Placed): OnBuild {
  readFlags(flags, {});
  const name = (splitBlank(rest)[0] ?? '').toUpperCase();
  if (name === '') throw wrong('ONBUILD requires at least one argument');
  if (name === 'ONBUILD') throw wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (name === 'MAINTAINER' || name === 'FROM') throw wrong(`${name} isn't allowed as an ONBUILD trigger`);
  const trigger = [text.replace(/^\s*ONBUILD\s*/i, ''), ...heredocs.map(({ content, name }) => `\n${content}${name}`)].join('');
  return { ...placed, kind: 'ONBUILD', trigger };
}

export function isCommand(instruction: Instruction): instruction is Command {
  return instruction.kind !== 'FROM';
}
