import { inspectContainerText, inspectImageText, isDaemonError, type Docker } from '../../client/index.ts';
import { defineCommand, type Command } from '../command.ts';
import { Exit, textOfError } from '../errors.ts';
import { flag } from '../flags.ts';
import { indentJson } from '../indent-json.ts';
import { say, warn, type Session } from '../session.ts';
import { compileTemplate, fromJson, TemplateError, type Template } from '../../spec/template/index.ts';

type Find = (docker: Docker, name: string, options: { readonly size: boolean }) => Promise<string>;

const flags = {
  format: flag.text('f', 'string', 'Template for each object, or \'json\''),
} as const;
const size = flag.on('s', 'Also what a container takes on the disk');

/** `inspect`: containers first, then images, or only what --type says. */
export const command = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Return low-level information on Docker objects',
  flags: { ...flags, size, type: flag.text('', 'string', 'Only objects of this type: container, image') },
  operands: { min: 1 },
  run({ values: { format, size, type }, operands, session }) {
    return inspect(session, operands, format, sized(finderOf(type), size));
  },
});

export const containerCommand: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Display detailed information on one or more containers',
  flags: { ...flags, size },
  operands: { min: 1 },
  run: ({ values: { format, size }, operands, session }) => inspect(session, operands, format, sized(inspectContainerText, size)),
});

export const imageCommand: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Display detailed information on one or more images',
  flags,
  operands: { min: 1 },
  run: ({ values: { format }, operands, session }) => inspect(session, operands, format, inspectImageText),
});

function sized(find: Find, size: boolean): (docker: Docker, name: string) => Promise<string> {
  return (docker, name) => find(docker, name, { size });
}

const laterTypes = ['config', 'network', 'node', 'plugin', 'secret', 'service', 'task', 'volume'];

function finderOf(type: string | undefined): Find {
  if (type === undefined) return findAny;
  if (type === 'container') return inspectContainerText;
  if (type === 'image') return inspectImageText;
  if (type === '') throw new Exit(1, 'type is empty: must be one of "container", "image"');
  if (laterTypes.includes(type)) throw new Exit(1, `--type ${type} is not there yet in Estiva: must be one of "container", "image"`);
  throw new Exit(1, `unknown type: ${JSON.stringify(type)}: must be one of "container", "image"`);
}

async function findAny(docker: Docker, name: string, options: { readonly size: boolean }): Promise<string> {
  for (const find of [inspectContainerText, inspectImageText]) {
    try {
      return await find(docker, name, options);
    } catch (error) {
      if (!isDaemonError(error, 404)) throw error;
    }
  }
  throw new Exit(1, `Error: No such object: ${name}`);
}

/** What was found is shown, even when a name was not found. */
async function inspect(session: Session, names: readonly string[], format: string | undefined, find: (docker: Docker, name: string) => Promise<string>): Promise<number> {
  const found: string[] = [];
  const failures: string[] = [];
  const template = format === undefined || format === 'json' ? undefined : compile(format);
  for (const name of names) {
    try {
      found.push(await find(session.docker, name));
    } catch (error) {
      failures.push(textOfError(error));
    }
  }
  if (template !== undefined) session.stdout.write(renderAll(session, template, found));
  else if (format === 'json') say(session, `[${found.map((text) => text.trim()).join(',')}]`);
  else say(session, found.length === 0 ? '[]' : indentJson(`[${found.join(',')}]`));
  for (const failure of failures) warn(session, failure);
  return failures.length === 0 ? 0 : 1;
}

function compile(format: string): Template {
  try {
    return compileTemplate(format, (name) => `map has no entry for key ${JSON.stringify(name)}`);
  } catch (error) {
    if (error instanceof TemplateError) throw new Exit(64, `template parsing error: ${error.message}`);
    throw error;
  }
}

/** A line for each object. Should one fail, those before it are shown, or else an empty line, as Docker's client has it. */
function renderAll(session: Session, template: Template, found: readonly string[]): string {
  let all = '';
  for (const json of found) {
    let line = '';
    try {
      template(fromJson(JSON.parse(json)), (text) => { line += text; });
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      session.stdout.write(all === '' ? '\n' : all);
      throw new Exit(1, `template parsing error: ${error.message}`);
    }
    all += `${line}\n`;
  }
  return all;
}
