// From tokens to a tree: text, actions, if, range, with. A pipeline is commands joined by `|`; a command is a function, field or value
// with its arguments. What `define` and `block` name is kept beside the tree.
import { cut, TemplateError, type Piece, type Placed } from './lexer.ts';

/** A field chain on something: `.A.B`, `$x.A`, `(index . 0).A`. */
export type Operand = { readonly line: number; readonly column: number } & (
  | { readonly kind: 'dot' }
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'call'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly path: readonly string[] });

export interface Pipe {
  readonly declares: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

/** `otherwise` is what stands after `else`. */
export interface Block<Kind extends string> {
  readonly kind: Kind;
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | Block<'if'>
  | Block<'with'>
  | Block<'range'>
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined; readonly line: number; readonly column: number; readonly source: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' };

/** What a template's text comes to: the tree, and the templates that it names. */
export interface ParsedTemplate {
  readonly nodes: readonly Node[];
  readonly named: ReadonlyMap<string, readonly Node[]>;
}

/** `functions` are the names that may be called. @throws TemplateError */
export function parseTemplate(template: string, functions: ReadonlySet<string>): ParsedTemplate {
  const reader: Reader = { pieces: cut(template), at: 0, functions, named: new Map() };
  const { nodes, end } = readNodes(reader);
  if (end !== undefined) throw new TemplateError(`template: :${end.line}: unexpected {{${end.word}}}`);
  return { nodes, named: reader.named };
}

interface Reader {
  readonly pieces: readonly Piece[];
  at: number;
  readonly functions: ReadonlySet<string>;
  readonly named: Map<string, readonly Node[]>;
}

interface End {
  readonly word: 'end' | 'else';
  readonly rest: readonly Placed[];
  readonly line: number;
}

/** Reads up to the end of the template, or to `end` or `else`, which is returned. */
function readNodes(reader: Reader): { readonly nodes: Node[]; readonly end: End | undefined } {
  const nodes: Node[] = [];
  while (reader.at < reader.pieces.length) {
    const piece = reader.pieces[reader.at++]!;
    if (piece.kind === 'text') {
      nodes.push(piece);
      continue;
    }
    const [first, ...rest] = piece.tokens;
    const word = first?.kind === 'word' ? first.name : '';
    if (word === 'end' || word === 'else') return { nodes, end: { word, rest: rest.filter(({ kind }) => kind !== 'space'), line: piece.line } };
    if (word === 'if' || word === 'with' || word === 'range') nodes.push(readBlock(reader, word, rest, piece.line));
    else if (word === 'define') readDefinition(reader, nameIn(rest, 'define', piece.line), piece.line);
    else if (word === 'template') nodes.push(readCall(reader, 'template', first!, rest, piece.line));
    else if (word === 'block') {
      nodes.push(readCall(reader, 'block', first!, rest, piece.line));
      readDefinition(reader, nameIn(rest, 'block', piece.line), piece.line);
    } else if (word === 'break') nodes.push({ kind: 'break' });
    else if (word === 'continue') nodes.push({ kind: 'continue' });
    else nodes.push({ kind: 'action', pipe: readPipe(reader, piece.tokens, piece.line) });
  }
  return { nodes, end: undefined };
}

function readBlock(reader: Reader, kind: 'if' | 'with' | 'range', tokens: readonly Placed[], line: number): Node {
  const pipe = readPipe(reader, tokens, line);
  const { nodes: body, end } = readNodes(reader);
  if (end === undefined) throw new TemplateError(`template: :${line}: unexpected EOF`);
  if (end.word === 'end') return { kind, pipe, body, otherwise: [] };
  const [chained, ...rest] = end.rest;
  if (chained?.kind === 'word' && (chained.name === 'if' || chained.name === 'with')) {
    return { kind, pipe, body, otherwise: [readBlock(reader, chained.name, rest, end.line)] };
  }
  const { nodes: otherwise, end: last } = readNodes(reader);
  if (last?.word !== 'end') throw new TemplateError(`template: :${line}: unexpected ${last === undefined ? 'EOF' : '{{else}}'}`);
  return { kind, pipe, body, otherwise };
}

/** `{{define "name"}} … {{end}}`: gives nothing where it stands. */
function readDefinition(reader: Reader, name: string, line: number): void {
  const { nodes, end } = readNodes(reader);
  if (end?.word !== 'end') throw new TemplateError(`template: :${line}: unexpected ${end === undefined ? 'EOF' : '{{else}}'} in define clause`);
  reader.named.set(name, nodes);
}

/** `{{template "name" value}}`. Go says in errors that it stands at its name. */
function readCall(reader: Reader, word: string, first: Placed, rest: readonly Placed[], line: number): Node {
  const name = nameIn(rest, word, line);
  const tokens = rest.filter(({ kind }) => kind !== 'space');
  const pipe = tokens.length > 1 ? readPipe(reader, rest.slice(rest.indexOf(tokens[1]!)), line) : undefined;
  if (pipe === undefined && word === 'block') throw new TemplateError(`template: :${line}: missing value for block clause`);
  return { kind: 'template', name, pipe, line, column: tokens[0]?.column ?? first.column, source: `{{template ${JSON.stringify(name)}${pipe === undefined ? '' : ' .'}}}` };
}

function nameIn(tokens: readonly Placed[], word: string, line: number): string {
  const name = tokens.find(({ kind }) => kind !== 'space');
  if (name?.kind !== 'string') throw new TemplateError(`template: :${line}: unexpected ${name === undefined ? '"}}"' : `<${name.kind}>`} in ${word} clause`);
  return name.text;
}

function readPipe(reader: Reader, tokens: readonly Placed[], line: number): Pipe {
  const cursor = new Cursor(tokens, line, reader.functions);
  const pipe = cursor.pipe();
  const left = cursor.peek();
  if (left !== undefined) throw cursor.unexpected(left);
  return pipe;
}

/** Walks the tokens of one action. */
class Cursor {
  readonly #tokens: readonly Placed[];
  readonly #line: number;
  readonly #functions: ReadonlySet<string>;
  #at = 0;

  constructor(tokens: readonly Placed[], line: number, functions: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.#line = line;
    this.#functions = functions;
  }

  pipe(): Pipe {
    const { declares, assigns } = this.#declaration();
    const commands: Operand[][] = [];
    do {
      const command: Operand[] = [];
      for (let operand = this.#operand(); operand !== undefined; operand = this.#operand()) command.push(operand);
      if (command.length === 0) throw new TemplateError(`template: :${this.#line}: missing value for command`);
      commands.push(command);
    } while (this.#take('|'));
    return { declares, assigns, commands };
  }

  peek(): Placed | undefined {
    while (this.#tokens[this.#at]?.kind === 'space') this.#at += 1;
    return this.#tokens[this.#at];
  }

  unexpected(token: Placed): TemplateError {
    return new TemplateError(`template: :${token.line}: unexpected ${token.kind === 'mark' ? JSON.stringify(token.mark) : `<${token.kind}>`} in command`);
  }

  #take(mark: string): boolean {
    const token = this.peek();
    if (token?.kind !== 'mark' || token.mark !== mark) return false;
    this.#at += 1;
    return true;
  }

  /** `$x :=`, `$x =` or `$i, $x :=` in front of a pipeline. */
  #declaration(): { readonly declares: readonly string[]; readonly assigns: boolean } {
    const start = this.#at;
    const names: string[] = [];
    for (let token = this.peek(); token?.kind === 'variable'; token = this.peek()) {
      names.push(token.name);
      this.#at += 1;
      if (!this.#take(',')) break;
    }
    if (names.length > 0 && this.#take(':=')) return { declares: names, assigns: false };
    if (names.length > 0 && this.#take('=')) return { declares: names, assigns: true };
    this.#at = start;
    return { declares: [], assigns: false };
  }

  #operand(): Operand | undefined {
    const token = this.peek();
    if (token === undefined || (token.kind === 'mark' && token.mark !== '(')) return undefined;
    this.#at += 1;
    const { line } = token;
    const column = this.#columnOf(token);
    switch (token.kind) {
      case 'mark': {
        const pipe = this.pipe();
        if (!this.#take(')')) throw new TemplateError(`template: :${line}: unclosed left paren`);
        return { kind: 'pipe', pipe, path: this.#path(), line, column };
      }
      case 'dot': return { kind: 'dot', line, column };
      case 'field': return { kind: 'field', path: [token.name, ...this.#path()], line, column };
      case 'variable': return { kind: 'variable', name: token.name, path: this.#path(), line, column };
      case 'string': return { kind: 'literal', value: token.text, line, column };
      case 'number': return { kind: 'literal', value: token.number, line, column };
      case 'word': return this.#word(token.name, line, column);
      default: return undefined;
    }
  }

  #word(name: string, line: number, column: number): Operand {
    if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true', line, column };
    if (name === 'nil') return { kind: 'literal', value: null, line, column };
    if (!this.#functions.has(name)) throw new TemplateError(`template: :${line}: function ${JSON.stringify(name)} not defined`);
    return { kind: 'call', name, line, column };
  }

  /** Go says that a chain stands where its second field stands. */
  #columnOf(token: Placed): number {
    const next = this.#tokens[this.#at];
    return (token.kind === 'field' || token.kind === 'variable') && next?.kind === 'field' ? next.column : token.column;
  }

  /** Fields that follow at once, without a space. */
  #path(): readonly string[] {
    const path: string[] = [];
    for (let token = this.#tokens[this.#at]; token?.kind === 'field'; token = this.#tokens[this.#at]) {
      path.push(token.name);
      this.#at += 1;
    }
    return path;
  }
}
