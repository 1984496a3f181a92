import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfile } from '../spec/dockerfile/index.ts';
import { analyze } from './analyze.ts';
import { programOf } from './program.ts';
import { analyzed, busybox, request } from './request.fixture.ts';
import type { BuildRequest } from './request.ts';
import type { Base } from './stages.ts';

const base = 'estiva-test/busybox:1';

/** Stages in a line each: what it is, and what its steps read. */
function shown(text: string, rest: Partial<BuildRequest> = {}): readonly string[] {
  const named = (source: Base): string => (source.kind === 'stage' ? source.stage.label : source.kind === 'image' ? source.reference : 'scratch');
  return analyzed(text, rest).evaluated.map(({ stage, steps }) => `${stage.label} on ${named(stage.base)} reads ${steps.flatMap(({ sources }) => sources.map(named)).join(',')}`);
}

/** Milliseconds of processor time: others may keep this machine busy. */
const spentMs = (): number => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };

test('analyze() has what the target needs, in an order in which it can be done, and nothing else', () => {
  const text = `FROM ${base} AS build\nRUN make\nFROM ${base} AS docs\nRUN docs\nFROM scratch AS files\nCOPY --from=build /out /\nENV A=1\nFROM ${base}\nRUN --mount=from=files,target=/f --mount=type=bind,target=/ctx true\nCOPY x y\n`;
  const image = 'docker.io/estiva-test/busybox:1';
  assert.deepEqual(shown(text), [`build on ${image} reads `, 'files on scratch reads build', `stage-3 on ${image} reads files`]);
  assert.deepEqual(shown(text, { target: 'files' }), [`build on ${image} reads `, 'files on scratch reads build']);
  assert.deepEqual(shown(text, { target: '1' }), [`docs on ${image} reads `]);
  assert.deepEqual(shown('FROM scratch\nCOPY --from=alpine:3 /a /a\nRUN --mount=from=alpine:4,target=/b --mount=type=cache,target=/c --mount=from=scratch,target=/d x\n'), [
    'stage-0 on scratch reads docker.io/library/alpine:3,docker.io/library/alpine:4,scratch',
  ]);
});

test('analyze() keeps what variables were at each instruction', () => {
  const { target } = analyzed('ARG TAG=1\nFROM scratch\nARG TAG\nARG OWN=$TAG-x\nENV A=$OWN\nENV A=2 B=$A\nRUN x\n', { buildArgs: new Map([['TAG', '7']]) });
  const seen = target.steps.map(({ environment }) => ['TAG', 'OWN', 'A', 'B'].map((name) => environment().get(name)));
  assert.deepEqual(seen, [[undefined, undefined, undefined, undefined], ['7', undefined, undefined, undefined], ['7', '7-x', undefined, undefined], ['7', '7-x', '7-x', undefined], ['7', '7-x', '2', '7-x']]);
  assert.deepEqual(target.steps.at(-1)!.arguments().map(({ name, value, isGlobal }) => [name, value, isGlobal]), [['TAG', '7', false], ['OWN', '7-x', false]]);
});

test('analyze() lets a stage see the variables of the stage below, of platforms, and of the base image', () => {
  const images = new Map([[`docker.io/${base} linux/amd64`, { ...busybox, config: { Env: ['NODE=26'], OnBuild: ['ENV FROM_BASE=$NODE', 'COPY --from=tools /t /t'] } }]]);
  const { target, evaluated } = analyzed(`FROM scratch AS tools\nFROM ${base} AS a\nARG TARGETARCH\nENV X=$NODE-$TARGETARCH\nFROM a\nENV Y=$X\n`, { images });
  assert.equal(target.steps[0]!.environment().get('X'), '26-amd64');
  assert.deepEqual(evaluated.map(({ stage }) => stage.label), ['tools', 'a', 'stage-2'], 'the trigger of the base needs tools');
  assert.deepEqual(evaluated[1]!.steps.slice(0, 2).map(({ isTrigger, instruction }) => [isTrigger, instruction.kind]), [[true, 'ENV'], [true, 'COPY']]);
});

test('analyze() takes the last of two stages of a name for COPY, the one before it for FROM', () => {
  const text = 'FROM scratch AS a\nENV N=1\nFROM a AS b\nENV M=$N\nFROM scratch AS a\nENV N=2\nFROM a\nENV M=$N\nCOPY --from=a x y\n';
  const { evaluated } = analyze(parseDockerfile(text), request(), { allStages: true });
  assert.deepEqual(evaluated.map(({ stage: { base } }) => base.kind === 'stage' ? base.stage.index : base.kind), ['scratch', 0, 'scratch', 2]);
  const [source] = evaluated[3]!.steps[1]!.sources;
  assert.equal(source?.kind === 'stage' && source.stage.index, 2);
});

test('programOf() makes scripts of heredocs, and leaves the others to the shell', () => {
  const program = (text: string): unknown => { const [step] = analyzed(`FROM scratch\n${text}`).target.steps; return step!.instruction.kind === 'RUN' ? programOf(step!.instruction, step!.shell) : undefined; };
  assert.deepEqual(program('RUN a b\n'), { args: ['/bin/sh', '-c', 'a b'], files: [] });
  assert.deepEqual(program('RUN ["a", "b"]\n'), { args: ['a', 'b'], files: [] });
  assert.deepEqual(program('RUN <<-EOF\n\ta\n\tb\n\tEOF\n'), { args: ['/bin/sh', '-c', 'a\nb\n'], files: [] });
  assert.deepEqual(program('RUN <<EOF\n#!/usr/bin/python3\nprint(1)\nEOF\n'), { args: ['/bin/sh', '-c', '/dev/pipes/EOF'], files: [{ path: '/dev/pipes/EOF', content: '#!/usr/bin/python3\nprint(1)\n' }] });
  assert.deepEqual(program('RUN cat <<A <<B\n1\nA\n2\nB\n'), { args: ['/bin/sh', '-c', 'cat <<A <<B\n1\nA\n2\nB'], files: [] });
});

test('analyze() refuses stages that need each other, however far they are apart', () => {
  const far = Array.from({ length: 500 }, (_, i) => `FROM scratch AS s${i}\nCOPY --from=s${(i + 1) % 500} / /\n`).join('');
  const { failure } = analyze(parseDockerfile(far), request(), { allStages: true });
  assert.equal(failure?.message, 'circular dependency detected on stage: s0');
  assert.equal(failure.lines.length, 500);
});

test('analyze() takes ten thousand stages, each on the one before it, in a moment', () => {
  const chain = Array.from({ length: 10_000 }, (_, i) => `FROM ${i === 0 ? 'scratch' : `s${i - 1}`} AS s${i}\nENV V${i}=${i} LAST=$V${i - 1}\n`).join('');
  const startedAt = spentMs();
  const { failure, target } = analyze(parseDockerfile(`${chain}COPY --from=s5 a b\n`), request(), { allStages: false });
  assert.equal(failure, undefined);
  assert.equal(target!.steps.at(-1)!.environment().get('LAST'), '9998');
  assert.ok(spentMs() - startedAt < 5000);
});

test('analyze() bounds what variables come to', () => {
  const doubling = `FROM scratch\nENV A=${'x'.repeat(1000)}\n${'ENV A=$A$A\n'.repeat(40)}`;
  const { failure } = analyze(parseDockerfile(doubling), request(), { allStages: true });
  assert.match(failure?.message ?? '', /longer than 1048576 characters$/);
  assert.ok((failure?.lines[0]?.start ?? 0) < 20);
  const many = `FROM scratch\nENV A=${'x'.repeat(60_000)}\n${Array.from({ length: 2000 }, (_, i) => `ENV B${i}=$A\n`).join('')}`;
  assert.match(analyze(parseDockerfile(many), request(), { allStages: true }).failure?.message ?? '', /the variables of the build come to more than/);
});
