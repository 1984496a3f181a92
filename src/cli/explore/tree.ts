// A layer's changes as a tree of lines, each with the sign of what was done: + added, ~ changed, - removed.
import type { FileChange } from '../../spec/estiva/exploration.ts';
import { humanSize } from '../units.ts';

const signs = { added: '+', changed: '~', removed: '-' } as const;
const colours = { added: 32, changed: 33, removed: 31 } as const;

interface Branch {
  change: FileChange | undefined;
  bytes: number;
  readonly children: Map<string, Branch>;
}

const newBranch = (): Branch => ({ change: undefined, bytes: 0, children: new Map() });

export function treeLines(files: readonly FileChange[], { colour }: { readonly colour: boolean }): readonly string[] {
  const root = newBranch();
  for (const file of files) graft(root, file);
  const lines: string[] = [];
  addLines(root, '', lines, colour);
  return lines;
}

function graft(root: Branch, file: FileChange): void {
  let branch = root;
  const bytes = file.change === 'removed' ? 0 : file.sizeBytes;
  for (const name of file.path.split('/').slice(1)) {
    let next = branch.children.get(name);
    if (next === undefined) branch.children.set(name, next = newBranch());
    branch = next;
    branch.bytes += bytes;
  }
  branch.change = file;
}

function addLines(branch: Branch, indent: string, lines: string[], colour: boolean): void {
  const children = [...branch.children];
  for (const [i, [name, child]] of children.entries()) {
    const isLast = i === children.length - 1;
    lines.push(painted(child, `${indent}${isLast ? '└─ ' : '├─ '}${labelOf(name, child)}`, colour));
    addLines(child, `${indent}${isLast ? '   ' : '│  '}`, lines, colour);
  }
}

function labelOf(name: string, { change, children, bytes }: Branch): string {
  const kind = change?.kind ?? 'directory';
  const shown = printable(name);
  if (change?.change === 'removed') return `${shown}${kind === 'directory' ? '/' : ''}${change.sizeBytes > 0 ? `  ${humanSize(change.sizeBytes)} gone` : ''}`;
  const hidden = change?.hiddenBy === undefined ? '' : `  hidden by layer ${change.hiddenBy}`;
  if (kind === 'directory') return `${shown}/${children.size > 0 ? `  ${humanSize(bytes)}` : ''}${hidden}`;
  if (kind === 'link') return `${shown} -> ${printable(change?.target ?? '')}${hidden}`;
  if (change?.target !== undefined) return `${shown}  the same as ${printable(change.target)}${hidden}`;
  return `${shown}${kind === 'file' ? `  ${humanSize(bytes)}` : `  ${kind}`}${hidden}`;
}

function painted({ change }: Branch, text: string, colour: boolean): string {
  if (change === undefined) return `  ${text}`;
  const line = `${signs[change.change]} ${text}`;
  return colour ? `\x1b[${colours[change.change]}m${line}\x1b[0m` : line;
}

/** Names are an image's: what would move the cursor is shown as what it is. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- the point is exactly these
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
