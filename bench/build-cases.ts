// Builds as people start them: whole processes, `estiva build` beside `docker build` of the classic builder (its own client, DOCKER_BUILDKIT=0). Every run of
// a subject has its own directory, so that no engine finds what another run left.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { command } from '../test/e2e/command.ts';
import { dockerClient } from '../test/e2e/engine.ts';
import type { BenchEngine } from './engines.ts';
import { image } from './engines.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';

const runs = 20;
const small = { files: 1_000, fileBytes: 1_000 };
const large = { files: 20_000, fileBytes: 15_000 };
const filesInDirectory = 200;

export function buildCases(engines: readonly BenchEngine[]): readonly BenchCase[] {
  const each = (subject: (engine: BenchEngine) => Subject) => () => Promise.resolve(engines.map(subject));
  return [
    { name: 'build-run', what: `build of ${runs} small RUN steps without the cache`, promise: '>= 20 times faster than dockerd', unit: 's', runs: 3, warmUp: false, subjects: each(runSteps) },
    { name: 'build-cached', what: `build of ${runs} RUN steps, all from the cache`, promise: '<= 120 ms', unit: 'ms', runs: 20, warmUp: true, subjects: each(cachedSteps) },
    { name: 'build-change', what: `one file of a context of ${small.files} has changed, in the last COPY`, promise: '<= 250 ms', unit: 'ms', runs: 10, warmUp: true, subjects: each(changedFile) },
    { name: 'build-context', what: `a context of ${large.files} files, 300 MB, that nobody changed, of which a file is copied`, promise: '<= 400 ms', unit: 'ms', runs: 3, warmUp: true, subjects: each(sameContext) },
  ];
}

/** The command in a directory. @throws with what it said */
async function build(engine: BenchEngine, context: string, flags: readonly string[] = []): Promise<void> {
  const host = `unix://${engine.socketPath}`;
  const program = engine.ours ? resolve(import.meta.dirname, '../bin/estiva') : dockerClient();
  const { code, stderr } = await command(program, ['build', '-q', ...flags, context], { env: { ...process.env, DOCKER_HOST: host, ESTIVA_HOST: host, DOCKER_BUILDKIT: '0' }, timeoutMs: 300_000 });
  if (code !== 0) throw new Error(`${engine.name}: ${stderr.slice(-500)}`);
}

function contextOf(dockerfile: string, { files, fileBytes } = { files: 0, fileBytes: 0 }): string {
  const context = mkdtempSync(join(tmpdir(), 'estiva-bench-build-'));
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  const bytes = randomBytes(fileBytes * 2);
  for (let n = 0; n < files; n++) {
    const directory = join(context, 'files', String(Math.floor(n / filesInDirectory)));
    if (n % filesInDirectory === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, String(n)), bytes.subarray(n % fileBytes, (n % fileBytes) + fileBytes));
  }
  return context;
}

const steps = `FROM ${image}\n${Array.from({ length: runs }, (_, i) => `RUN echo ${i} > /file-${i}\n`).join('')}`;

function subjectIn(engine: BenchEngine, context: string, run: () => Promise<unknown>, unitMs = 1): Subject {
  return { name: engine.name, run: async () => await timed(run) / unitMs, close: () => Promise.resolve(rmSync(context, { recursive: true })) };
}

function runSteps(engine: BenchEngine): Subject {
  const context = contextOf(steps);
  return subjectIn(engine, context, () => build(engine, context, ['--no-cache']), 1000);
}

function cachedSteps(engine: BenchEngine): Subject {
  const context = contextOf(steps);
  return subjectIn(engine, context, () => build(engine, context));
}

function changedFile(engine: BenchEngine): Subject {
  const context = contextOf(`FROM ${image}\nRUN true\nCOPY files /files\n`, small);
  let version = 0;
  const subject = subjectIn(engine, context, () => build(engine, context));
  return { ...subject, run: () => { writeFileSync(join(context, 'files/0/0'), `version ${++version}`); return subject.run(); } };
}

function sameContext(engine: BenchEngine): Subject {
  const context = contextOf(`FROM ${image}\nCOPY files/0/0 /\n`, large);
  return subjectIn(engine, context, () => build(engine, context));
}
