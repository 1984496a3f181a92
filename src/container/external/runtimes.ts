// The runtimes that a container may ask for by name: our own, those that the daemon was told of, and the well-known ones that are installed.
import { accessSync, constants, statSync } from 'node:fs';
import { fail } from '../../base/index.ts';

export const ownRuntime = 'estiva';
const wellKnown = ['runc', 'crun', 'runsc', 'youki'];

export interface ExternalRuntime {
  readonly name: string;
  readonly path: string;
}

export interface RuntimeSettings {
  /** Name → path, absolute or a name along PATH. */
  readonly added: ReadonlyMap<string, string>;
  /** Of containers that ask for none. */
  readonly defaultName: string;
}

/** Programs are looked up when they are asked for: who installs one need not start the daemon anew. */
export class Runtimes {
  readonly defaultName: string;
  readonly #added: ReadonlyMap<string, string>;

  /** @throws EstivaError `invalid` for names that cannot be, and a default that is not there */
  constructor({ added, defaultName }: RuntimeSettings) {
    for (const [name, path] of added) {
      if (name === ownRuntime) throw fail('invalid', `runtime name '${ownRuntime}' is reserved`, { hint: 'Give the added runtime another name' });
      if (!/^[a-zA-Z0-9][\w.-]*$/.test(name)) throw fail('invalid', `Invalid runtime name: ${JSON.stringify(name)}`, { hint: 'Letters, digits, "_", "." and "-"' });
      if (programAt(path) === undefined) throw fail('invalid', `Runtime "${name}": there is no program ${JSON.stringify(path)}`, { hint: 'Give its whole path, or a name along PATH' });
    }
    this.#added = added;
    this.defaultName = defaultName;
    if (!this.list().some(({ name }) => name === defaultName)) throw fail('invalid', `specified default runtime '${defaultName}' does not exist`, { hint: `There are: ${this.list().map(({ name }) => name).join(', ')}` });
  }

  /** Ours first. */
  list(): readonly ExternalRuntime[] {
    const others = [...this.#added, ...wellKnown.filter((name) => !this.#added.has(name)).map((name) => [name, name] as const)];
    return [{ name: ownRuntime, path: ownRuntime }, ...others.flatMap(([name, program]) => {
      const path = programAt(program);
      return path === undefined ? [] : [{ name, path }];
    })];
  }

  /** Undefined: our own. @throws EstivaError `invalid` in dockerd's words */
  find(name: string): ExternalRuntime | undefined {
    if (name === ownRuntime) return undefined;
    const found = this.list().find((runtime) => runtime.name === name);
    if (found === undefined) throw fail('invalid', `unknown or invalid runtime name: ${name.slice(0, 100)}`, { hint: `There are: ${this.list().map((runtime) => runtime.name).join(', ')}; "estiva daemon --add-runtime" adds others` });
    return found;
  }
}

function programAt(path: string): string | undefined {
  const candidates = path.includes('/') ? [path] : (process.env['PATH'] ?? '').split(':').filter((dir) => dir.startsWith('/')).map((dir) => `${dir}/${path}`);
  return candidates.find((candidate) => candidate.startsWith('/') && isProgram(candidate));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
