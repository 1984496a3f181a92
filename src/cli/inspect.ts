// The inspect commands: objects as the daemon wrote them, indented, or under --format.
import { compileTemplate, fromJson, TemplateError, type Template } from '../spec/template/index.ts';
import { Exit, textOfError } from './errors.ts';
import { indentJson } from './indent-json.ts';
import { say, warn, type Session } from './session.ts';

/** `find` gives an object's JSON. What was found is shown, even when a name was not found. */
export async function inspectObjects(session: Session, names: readonly string[], format: string | undefined, find: (name: string) => Promise<string>): Promise<number> {
  const found: string[] = [];
  const failures: string[] = [];
  const template = format === undefined || format === 'json' ? undefined : compile(format);
  for (const name of names) {
    try {
      found.push(await find(name));
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
