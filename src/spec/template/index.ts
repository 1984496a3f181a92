// Go templates for --format: parse once, execute for each row. The language of Go's text/template, with Docker's functions.
import { execute, type FieldComplaint } from './evaluate.ts';
import { functions } from './functions.ts';
import { parseTemplate } from './parser.ts';

export { TemplateError } from './lexer.ts';
export { fromJson, rowMark } from './value.ts';

export interface Template {
  /** Writes the result piece by piece. @throws TemplateError */
  (value: unknown, write: (text: string) => void): void;
}

const names: ReadonlySet<string> = new Set(functions.keys());

/** @throws TemplateError */
export function compileTemplate(text: string, complaint: FieldComplaint): Template {
  const { nodes, named } = parseTemplate(text, names);
  return (value, write) => execute(nodes, value, { named, write, complaint });
}
