// Lists under --format: Docker's table by default, `table TEMPLATE`, `json`, or a template for each row.
import { compileTemplate, rowMark, TemplateError, type Template } from '../spec/template/index.ts';
import { alignColumns } from './table.ts';
import { Exit } from './errors.ts';
import { say, type Session } from './session.ts';

/** A row's fields by name, in the order of their names; functions take an argument: `{{.Label "key"}}`. */
export type Row = Readonly<Record<string, unknown>>;

export interface Listing {
  /** The template of the default table, without the word `table`. */
  readonly columns: string;
  /** Field → the head of its column. */
  readonly heads: Readonly<Record<string, string>>;
  /** Docker's name of the rows' type, in errors: `*formatter.ContainerContext`. */
  readonly typeName: string;
}

export function printRows(session: Session, format: string | undefined, listing: Listing, rows: readonly Row[]): void {
  for (const line of rowLines(format, listing, rows)) say(session, line);
}

export function rowLines(format: string | undefined, listing: Listing, rows: readonly Row[]): readonly string[] {
  const { template, isTable } = readFormat(format ?? 'table', listing.columns);
  const compiled = compile(template, listing);
  const lines: string[] = [];
  if (isTable) lines.push(textOf(compiled, headRow(listing)));
  for (const row of rows) lines.push(textOf(compiled, { ...row, [rowMark]: true }));
  return isTable ? alignColumns(lines) : lines;
}

function readFormat(format: string, columns: string): { readonly template: string; readonly isTable: boolean } {
  if (format === '' || format === 'table') return { template: columns, isTable: true };
  if (format === 'json') return { template: '{{json .}}', isTable: false };
  const isTable = format.startsWith('table ');
  const text = isTable ? format.slice(6).trim() : format;
  return { template: text.replaceAll('\\t', '\t').replaceAll('\\n', '\n'), isTable };
}

function compile(template: string, { typeName }: Listing): Template {
  try {
    return compileTemplate(template, (name) => `can't evaluate field ${name} in type ${typeName}`);
  } catch (error) {
    if (error instanceof TemplateError) throw new Exit(1, `failed to parse template: ${error.message}`);
    throw error;
  }
}

function textOf(template: Template, row: Row): string {
  let text = '';
  try {
    template(row, (piece) => { text += piece; });
  } catch (error) {
    if (error instanceof TemplateError) throw new Exit(1, `failed to execute template: ${error.message}`);
    throw error;
  }
  return text;
}

function headRow({ heads }: Listing): Row {
  return { ...heads, Label: (name: unknown) => String(name) };
}

/** Prints one value (version, info) under --format; `json` alone means the whole. */
export function printValue(session: Session, format: string, value: unknown, typeName: string): void {
  valuePrinter(session, format, typeName)(value);
}

/** The same for values that come one after the other: the template is read once. */
export function valuePrinter(session: Session, format: string, typeName: string): (value: unknown) => void {
  const template = compile(format === 'json' ? '{{json .}}' : format, { columns: '', heads: {}, typeName });
  return (value) => {
    try {
      template(value, (piece) => { session.stdout.write(piece); });
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      session.stdout.write('\n');
      throw new Exit(1, error.message);
    }
    session.stdout.write('\n');
  };
}
