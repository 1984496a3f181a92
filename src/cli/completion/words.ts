// What a shell can complete: for each command its words, and of which kind its operands are.

export interface Word {
  readonly word: string;
  readonly what: string;
}

export type OperandKind = 'containers' | 'images' | 'contexts' | 'networks' | 'volumes';

export interface Completed {
  /** `run`, `container ls`; empty for the program itself. */
  readonly path: string;
  /** Commands, or flags with their dashes. */
  readonly words: readonly Word[];
  readonly operands: readonly OperandKind[];
}

/** The command that lists names of a kind; nothing when there is no daemon. */
export function lister(program: string, kind: OperandKind): string {
  const listing = { containers: 'ps -a --format "{{.Names}}"', images: 'images --filter dangling=false --format "{{.Repository}}:{{.Tag}}"', contexts: 'context ls -q', networks: 'network ls --format "{{.Name}}"', volumes: 'volume ls -q' }[kind];
  return `${program} ${listing} 2>/dev/null`;
}
