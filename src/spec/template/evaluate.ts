// Executes a parsed template on a value. Output goes to one function, so that what came before an error is still there, as with Go.
import { CallError, functions } from './functions.ts';
import { TemplateError } from './lexer.ts';
import type { Block, Node, Operand, Pipe } from './parser.ts';
import { isRecord, isTrue, noValue, show, sortedEntries, TypedNil, type Method } from './value.ts';

/** Says why `.Foo` is not there on a record, in the words of the place: Docker's commands differ. */
export type FieldComplaint = (name: string) => string;

export interface Run {
  /** By the name that `define` and `block` gave them. */
  readonly named: ReadonlyMap<string, readonly Node[]>;
  readonly write: (text: string) => void;
  readonly complaint: FieldComplaint;
}

interface Scope extends Run {
  readonly dot: unknown;
  readonly variables: Map<string, unknown>;
  readonly outer: Scope | undefined;
  /** Templates that call each other, each inside the one before. */
  readonly depth: number;
}

/** Go's own limit is a hundred thousand; its stack is larger than ours. */
const depthMax = 1000;

class Leave extends Error {
  readonly how: 'break' | 'continue';

  constructor(how: 'break' | 'continue') {
    super(how);
    this.how = how;
  }
}

/** @throws TemplateError */
export function execute(nodes: readonly Node[], value: unknown, run: Run): void {
  walk(nodes, { ...run, dot: value, variables: new Map([['$', value]]), outer: undefined, depth: 0 });
}

function inner(outer: Scope, dot: unknown): Scope {
  return { ...outer, dot, variables: new Map(), outer };
}

function walk(nodes: readonly Node[], scope: Scope): void {
  for (const node of nodes) {
    if (node.kind === 'text') scope.write(node.text);
    else if (node.kind === 'break') throw new Leave('break');
    else if (node.kind === 'continue') throw new Leave('continue');
    else if (node.kind === 'range') range(node, scope);
    else if (node.kind === 'template') callTemplate(node, scope);
    else if (node.kind === 'action') {
      const value = pipeline(node.pipe, scope);
      if (node.pipe.declares.length === 0) scope.write(show(value));
    } else {
      const block = inner(scope, scope.dot);
      const value = pipeline(node.pipe, block);
      const isOn = isTrue(value);
      walk(isOn ? node.body : node.otherwise, node.kind === 'with' && isOn ? inner(block, value) : block);
    }
  }
}

/** The template sees its own value alone: none of the caller's variables. */
function callTemplate({ name, pipe, line, column, source }: Extract<Node, { kind: 'template' }>, scope: Scope): void {
  const nodes = scope.named.get(name);
  const refuse = (message: string): TemplateError => new TemplateError(`template: :${line}:${column}: executing "" at <${source}>: ${message}`);
  if (nodes === undefined) throw refuse(`template ${JSON.stringify(name)} not defined`);
  if (scope.depth >= depthMax) throw refuse(`exceeded maximum template depth (${depthMax})`);
  const value = pipe === undefined ? noValue : pipeline(pipe, scope);
  walk(nodes, { ...scope, dot: value, variables: new Map([['$', value]]), outer: undefined, depth: scope.depth + 1 });
}

function range(node: Block<'range'>, scope: Scope): void {
  const entries = entriesOf(commands(node.pipe, scope), node.pipe);
  if (entries.length === 0) return walk(node.otherwise, scope);
  const [first, second] = node.pipe.declares;
  for (const [key, item] of entries) {
    const turn = inner(scope, item);
    if (second !== undefined) turn.variables.set(first!, key).set(second, item);
    else if (first !== undefined) turn.variables.set(first, item);
    try {
      walk(node.body, turn);
    } catch (error) {
      if (!(error instanceof Leave)) throw error;
      if (error.how === 'break') return;
    }
  }
}

function entriesOf(value: unknown, pipe: Pipe): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return value.map((item, at) => [at, item]);
  if (value instanceof Map) return sortedEntries(value);
  if (value instanceof TypedNil || value === null || value === undefined || value === noValue) return [];
  if (typeof value === 'number') return Array.from({ length: value }, (_, at) => [at, at]);
  throw failure(pipe.commands[0]![0]!, `range can't iterate over ${show(value)}`);
}

function pipeline(pipe: Pipe, scope: Scope): unknown {
  const value = commands(pipe, scope);
  for (const name of pipe.declares) (pipe.assigns ? holderOf(name, scope) : scope).variables.set(name, value);
  return value;
}

function commands(pipe: Pipe, scope: Scope): unknown {
  let last: readonly unknown[] = [];
  for (const command of pipe.commands) last = [commandValue(command, last, scope)];
  return last[0];
}

function holderOf(name: string, scope: Scope): Scope {
  for (let holder: Scope | undefined = scope; holder !== undefined; holder = holder.outer) if (holder.variables.has(name)) return holder;
  throw new TemplateError(`template: :1: undefined variable ${JSON.stringify(name)}`);
}

function commandValue([first, ...rest]: readonly Operand[], last: readonly unknown[], scope: Scope): unknown {
  const callee = first!;
  const values = (): unknown[] => [...rest.map((operand) => operandValue(operand, scope)), ...last];
  if (callee.kind === 'call') return shortCircuit(callee.name, rest, last, scope) ?? call(functions.get(callee.name)!, values(), callee);
  const isCall = rest.length > 0 || last.length > 0;
  const value = operandValue(callee, scope, isCall ? values : undefined);
  return value;
}

/** `and` and `or` stop at the first value that decides. */
function shortCircuit(name: string, rest: readonly Operand[], last: readonly unknown[], scope: Scope): unknown {
  if ((name !== 'and' && name !== 'or') || last.length > 0) return undefined;
  for (const operand of rest.slice(0, -1)) {
    const value = operandValue(operand, scope);
    if (isTrue(value) === (name === 'or')) return value;
  }
  return undefined;
}

function call(method: Method, values: readonly unknown[], at: Operand): unknown {
  try {
    return method(...values);
  } catch (error) {
    if (error instanceof CallError) throw failure(at, error.message);
    throw error;
  }
}

function operandValue(operand: Operand, scope: Scope, values?: () => readonly unknown[]): unknown {
  switch (operand.kind) {
    case 'literal': return operand.value;
    case 'dot': return scope.dot;
    case 'call': return call(functions.get(operand.name)!, [], operand);
    case 'field': return follow(scope.dot, operand.path, operand, scope, values);
    case 'variable': return follow(holderOf(operand.name, scope).variables.get(operand.name), operand.path, operand, scope, values);
    default: return follow(pipeline(operand.pipe, scope), operand.path, operand, scope, values);
  }
}

function follow(start: unknown, path: readonly string[], operand: Operand, scope: Scope, values?: () => readonly unknown[]): unknown {
  let value = start;
  for (const [at, name] of path.entries()) value = fieldOf(value, name, operand, scope, at === path.length - 1 ? values : undefined);
  return value;
}

function fieldOf(value: unknown, name: string, operand: Operand, scope: Scope, values?: () => readonly unknown[]): unknown {
  if (value instanceof Map) return value.has(name) ? value.get(name) : noValue;
  if (value instanceof TypedNil || value === noValue) return noValue;
  if (value === null || value === undefined) throw failure(operand, `nil pointer evaluating *interface {}.${name}`);
  if (!isRecord(value)) throw failure(operand, `can't evaluate field ${name} in type ${typeof value === 'number' ? 'int' : Array.isArray(value) ? '[]interface {}' : typeof value}`);
  if (!Object.hasOwn(value, name)) throw failure(operand, scope.complaint(name));
  const member = value[name];
  if (typeof member === 'function') return call(member as Method, values?.() ?? [], operand);
  if (values !== undefined) throw failure(operand, `${name} has arguments but cannot be invoked as function`);
  return member;
}

function failure(operand: Operand, message: string): TemplateError {
  return new TemplateError(`template: :${operand.line}:${operand.column}: executing "" at <${source(operand)}>: ${message}`);
}

/** The operand as Go would print it in an error. */
function source(operand: Operand): string {
  switch (operand.kind) {
    case 'dot': return '.';
    case 'literal': return JSON.stringify(operand.value);
    case 'call': return operand.name;
    case 'field': return `.${operand.path.join('.')}`;
    case 'variable': return [operand.name, ...operand.path].join('.');
    default: return ['(…)', ...operand.path].join('.');
  }
}
