// What tests of the builder share: contexts that are made of a few texts, builds with Docker's client by the classic builder, and looks at what came out.
// Everything is removed after the file's tests.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import type { Outcome } from './command.ts';
import { succeeded, type EngineUnderTest } from './engine.ts';

export type Files = Readonly<Record<string, string>>;
export type Made = Outcome & { readonly tag: string };

export interface Inspected {
  readonly Id: string;
  readonly Author: string;
  readonly Config: Readonly<Record<string, unknown>>;
  readonly RootFS: { readonly Layers: readonly string[] };
}

export interface Building {
  /** Emptied at the end. */
  readonly dir: string;
  readonly contextOf: (files: Files) => string;
  readonly build: (files: Files | string, flags?: readonly string[]) => Promise<Made>;
  /** Must end well. */
  readonly built: (files: Files | string, flags?: readonly string[]) => Promise<Made>;
  readonly inspect: (image: string) => Promise<Inspected>;
  /** What a shell line says in a container of the image. */
  readonly say: (image: string, script: string) => Promise<string>;
}

export function openBuilding(engine: EngineUnderTest): Building {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-build-'));
  const made: string[] = [];
  after(async () => {
    if (made.length > 0) await engine.docker(['rmi', '-f', ...made]);
    rmSync(dir, { recursive: true });
  });
  const contextOf = (files: Files): string => {
    const context = mkdtempSync(join(dir, 'context-'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(context, name)), { recursive: true });
      writeFileSync(join(context, name), text);
    }
    return context;
  };
  const build = async (files: Files | string, flags: readonly string[] = []): Promise<Made> => {
    const tag = engine.unique('built');
    const context = typeof files === 'string' ? files : contextOf(files);
    const outcome = await engine.docker(['build', '-t', tag, ...flags, context], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, DOCKER_BUILDKIT: '0' }, timeoutMs: 60_000 });
    if (outcome.code === 0) made.push(tag);
    return { ...outcome, tag };
  };
  return {
    dir, contextOf, build,
    built: async (files, flags) => {
      const outcome = await build(files, flags);
      succeeded(outcome);
      return outcome;
    },
    inspect: async (image) => (JSON.parse(succeeded(await engine.docker(['image', 'inspect', image]))) as [Inspected])[0],
    say: async (image, script) => succeeded(await engine.run(['--rm', '--user', '0', '--entrypoint', 'sh', image, '-c', script])),
  };
}
