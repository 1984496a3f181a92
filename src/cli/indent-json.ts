// Indents JSON text by four spaces without reading its values, so that every number and escape stays as the daemon wrote it.

export function indentJson(json: string): string {
  let out = '';
  let depth = 0;
  let before = '';
  const line = (): string => `\n${'    '.repeat(depth)}`;
  // Strings are one token: what looks like a brace inside one is not one.
  for (const [token] of json.matchAll(/"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const isAfterOpening = before === '{' || before === '[';
    if (token === '}' || token === ']') {
      depth -= 1;
      out += isAfterOpening ? token : line() + token;
    } else {
      if (isAfterOpening || before === ',') out += line();
      out += token === ':' ? ': ' : token;
      if (token === '{' || token === '[') depth += 1;
    }
    before = token;
  }
  return out;
}
