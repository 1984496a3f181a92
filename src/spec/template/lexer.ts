// Cuts a Go template into text and actions, and an action into tokens. Source: the text/template documentation of Go.

export type Token =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'dot' | 'space' }
  | { readonly kind: 'mark'; readonly mark: '(' | ')' | '|' | ',' | ':=' | '=' };

/** A token and where it stands in its line, for errors. */
export type Placed = Token & { readonly line: number; readonly column: number };

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Placed[]; readonly line: number };

/** The template cannot be read, or cannot be executed; the message has Go's form. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const name = String.raw`[\p{L}_][\p{L}\p{N}_]*`;
/** One token, at the start of the text. */
const whole = new RegExp(`^(?:${[
  String.raw`(?<space>\s+)`,
  String.raw`(?<string>"(?:\\.|[^"\\\n])*")`,
  '(?<raw>`[^`]*`)',
  String.raw`(?<char>'(?:\\.|[^'\\\n])+')`,
  String.raw`(?<number>[+-]?(?:0[xX][0-9a-fA-F]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+))`,
  String.raw`(?<variable>\$\w*)`,
  `(?<field>\\.${name})`,
  String.raw`(?<dot>\.)`,
  `(?<word>${name})`,
  '(?<mark>:=|[()|,=])',
].join('|')})`, 'u');

/** @throws TemplateError */
export function cut(template: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  while (at < template.length) {
    const open = template.indexOf('{{', at);
    let text = template.slice(at, open < 0 ? template.length : open);
    if (trimNext) text = text.trimStart();
    const trimsBefore = open >= 0 && /^-\s/.test(template.slice(open + 2, open + 4));
    if (trimsBefore) text = text.trimEnd();
    if (text !== '') pieces.push({ kind: 'text', text });
    if (open < 0) break;
    const action = cutAction(template, open, open + (trimsBefore ? 3 : 2));
    if (action.tokens.length > 0) pieces.push({ kind: 'action', tokens: action.tokens, line: lineOf(template, open) });
    trimNext = action.trimsAfter;
    at = action.end;
  }
  return pieces;
}

function cutAction(template: string, open: number, start: number): { readonly tokens: Placed[]; readonly end: number; readonly trimsAfter: boolean } {
  const comment = /^\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/.exec(template.slice(start));
  if (comment !== null) return { tokens: [], end: start + comment[0].length, trimsAfter: comment[1] === '-' };
  const tokens: Placed[] = [];
  let at = start;
  while (at < template.length) {
    const close = /^(\s+-)?\}\}/.exec(template.slice(at));
    if (close !== null) return { tokens: trimSpace(tokens), end: at + close[0].length, trimsAfter: close[1] !== undefined };
    const line = lineOf(template, at);
    const found = whole.exec(template.slice(at));
    if (found?.groups === undefined) throw new TemplateError(`template: :${line}: ${complaintAt(template, at)}`);
    tokens.push({ ...tokenOf(found.groups, line), line, column: at - (template.lastIndexOf('\n', at - 1) + 1) });
    at += found[0].length;
  }
  throw new TemplateError(`template: :${lineOf(template, open)}: unclosed action`);
}

function complaintAt(template: string, at: number): string {
  if (template[at] === '"') return 'unterminated quoted string';
  return `unexpected ${JSON.stringify(template[at])} in command`;
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>, line: number): Token {
  const { string, raw, char, number, variable, field, dot, word, mark } = groups;
  if (string !== undefined) return { kind: 'string', text: unquote(string, line) };
  if (raw !== undefined) return { kind: 'string', text: raw.slice(1, -1) };
  if (char !== undefined) return { kind: 'number', number: unquote(`"${char.slice(1, -1)}"`, line).codePointAt(0) ?? 0 };
  if (number !== undefined) return { kind: 'number', number: Number(number.replaceAll('_', '')) };
  if (variable !== undefined) return { kind: 'variable', name: variable };
  if (field !== undefined) return { kind: 'field', name: field.slice(1) };
  if (dot !== undefined) return { kind: 'dot' };
  if (word !== undefined) return { kind: 'word', name: word };
  if (mark !== undefined) return { kind: 'mark', mark: mark as '(' };
  return { kind: 'space' };
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"', "'": "'" };

/** A Go string literal's text. */
function unquote(literal: string, line: number): string {
  return literal.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (_, code: string) => {
    if (code.length > 1) return String.fromCodePoint(Number.parseInt(/^[xuU]/.test(code) ? code.slice(1) : code, /^[xuU]/.test(code) ? 16 : 8));
    const text = escapes[code];
    if (text === undefined) throw new TemplateError(`template: :${line}: invalid syntax`);
    return text;
  });
}

function trimSpace(tokens: readonly Placed[]): Placed[] {
  const first = tokens.findIndex((token) => token.kind !== 'space');
  const last = tokens.findLastIndex((token) => token.kind !== 'space');
  return first < 0 ? [] : tokens.slice(first, last + 1);
}

function lineOf(template: string, at: number): number {
  let line = 1;
  for (let end = template.indexOf('\n'); end >= 0 && end < at; end = template.indexOf('\n', end + 1)) line += 1;
  return line;
}
