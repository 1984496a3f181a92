// Variables replaced in an instruction: which of its texts they are replaced in, and how. RUN, CMD, ENTRYPOINT and HEALTHCHECK leave them to
// their shell, ONBUILD to later builds. Source: Dockerfile reference, "Environment replacement".
import type { Escape } from './directives.ts';
import { expand, type Lookup } from './expand.ts';
import type { Command, Files, Pair } from './instruction.ts';
import { readMount, type Mount } from './mount.ts';

export interface Replaced {
  readonly instruction: Command;
  readonly mounts: readonly Mount[];
  /** How many characters its texts came to. */
  readonly length: number;
}

/** ARG is not for here: its defaults see each other (evaluate.ts). `met` takes the names that have no value. @throws a DockerfileError without lines */
export function replaceVariables(instruction: Command, lookup: Lookup, escape: Escape, met: Set<string>): Replaced {
  const replacer = new Replacer(lookup, escape, met);
  const mounts = instruction.kind === 'RUN' ? instruction.mounts.map((mount) => readMount(mount, replacer.word)) : [];
  return { instruction: replacer.replace(instruction), mounts, length: replacer.length };
}

class Replacer {
  readonly #lookup: Lookup;
  readonly #escape: Escape;
  readonly #met: Set<string>;
  length = 0;

  constructor(lookup: Lookup, escape: Escape, met: Set<string>) {
    this.#lookup = lookup;
    this.#escape = escape;
    this.#met = met;
  }

  replace(instruction: Command): Command {
    switch (instruction.kind) {
      case 'ENV':
      case 'LABEL': return { ...instruction, pairs: instruction.pairs.map(this.#pair) };
      case 'COPY': return { ...instruction, ...this.#files(instruction) };
      case 'ADD': return { ...instruction, ...this.#files(instruction), checksum: this.#optional(instruction.checksum) };
      case 'EXPOSE': return { ...instruction, ports: instruction.ports.flatMap(this.#words) };
      case 'USER': return { ...instruction, user: this.word(instruction.user) };
      case 'WORKDIR': return { ...instruction, path: this.word(instruction.path) };
      case 'VOLUME': return { ...instruction, paths: instruction.paths.map(this.word) };
      case 'STOPSIGNAL': return { ...instruction, signal: this.word(instruction.signal) };
      default: return instruction;
    }
  }

  readonly word = (text: string): string => this.#expand(text).text;

  readonly #words = (text: string): readonly string[] => this.#expand(text).words;

  readonly #pair = ({ key, value, isLegacy }: Pair): Pair => ({ key: this.word(key), value: this.word(value), isLegacy });

  #files(files: Files): Files {
    const { sources, inline, destination, chown, chmod, exclude } = files;
    return {
      ...files, chown: this.#optional(chown), chmod: this.#optional(chmod), sources: sources.map(this.word), destination: this.word(destination), exclude: exclude.map(this.word),
      inline: inline.map((file) => file.expands ? { ...file, content: this.#expand(file.content, { escape: '\\', plainQuotes: true }).text } : file),
    };
  }

  #optional(text: string | undefined): string | undefined {
    return text === undefined ? undefined : this.word(text);
  }

  #expand(text: string, options: Parameters<typeof expand>[2] = { escape: this.#escape }): ReturnType<typeof expand> {
    const note: Lookup = (name) => {
      const value = this.#lookup(name);
      if (value === undefined) this.#met.add(name);
      return value;
    };
    const expansion = expand(text, note, options);
    this.length += expansion.text.length;
    return expansion;
  }
}
