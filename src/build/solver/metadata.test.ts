// What the solver's own functions make of every instruction that changes no file, without running anything.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { corpusDir } from '../../../test/fixtures/dockerfiles.ts';
import { parseDigest } from '../../base/index.ts';
import type { EvaluatedStage } from '../evaluate.ts';
import { analyzed, busybox } from '../request.fixture.ts';
import { metadataOf } from './metadata.ts';
import { asBase, emptyState, imageOf, nextState, stateOfImage, type BuildState } from './state.ts';

const id = parseDigest(`sha256:${'0'.repeat(64)}`);

/** The stage as the solver walks it; what changes files leaves none. */
function walked({ stage, base, steps }: EvaluatedStage): BuildState {
  let state = base !== undefined ? asBase(walked(base)) : stage.base.kind === 'image' ? stateOfImage({ id, config: busybox, layers: [] }) : emptyState(stage.platform);
  for (const step of steps) {
    const { config, author, words: createdBy, setsCommand = state.hasOwnCommand } = metadataOf(step, state.config, state.hasOwnCommand) ?? withoutFiles(step.instruction, state.config);
    state = nextState(state, '', { config, ...author === undefined ? {} : { author }, layer: undefined, createdBy, created: '2026-01-01T00:00:00.000Z' }, setsCommand);
  }
  return state;
}

function withoutFiles(instruction: EvaluatedStage['steps'][number]['instruction'], config: BuildState['config']): NonNullable<ReturnType<typeof metadataOf>> {
  const words = instruction.text;
  return instruction.kind === 'WORKDIR' ? { config: { ...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '', instruction.path) }, words } : { config, words };
}

test('the configuration is what dockerd makes of the same instructions', () => {
  const { config, author, architecture, os } = imageOf(walked(analyzed(readFileSync(join(corpusDir, 'image-history.Dockerfile'), 'utf8')).target));
  assert.deepEqual(config, {
    User: '1000:1000', ExposedPorts: { '80/tcp': {}, '8000/udp': {}, '8001/udp': {} }, Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TRIG=1', 'A=3', 'B=two words', 'C=2', 'OLD=the rest  of'],
    Entrypoint: ['/bin/sh', '-c', 'exec x'], Cmd: ['/bin/sh', '-c', 'echo $A'], Volumes: { '/data': {}, '/more': {}, '/with space': {} }, WorkingDir: '/', Labels: { from: 'x"y', k: 'v w', n: '' }, StopSignal: 'SIGQUIT',
    Healthcheck: { Test: ['CMD-SHELL', 'curl "x"'] }, OnBuild: ['RUN make'], Shell: ['/bin/sh', '-c'],
  });
  assert.deepEqual({ author, architecture, os }, { author: 'Ada', architecture: 'amd64', os: 'linux' });
});

test('a new entry point drops the command of the base, and keeps the stage\'s own', () => {
  const commands = (text: string): unknown => { const { Cmd, Entrypoint } = walked(analyzed(text).target).config; return { Cmd, Entrypoint }; };
  assert.deepEqual(commands('FROM estiva-test/busybox:1\n'), { Cmd: ['sh'], Entrypoint: undefined });
  assert.deepEqual(commands('FROM estiva-test/busybox:1\nENTRYPOINT ["a"]\n'), { Cmd: undefined, Entrypoint: ['a'] });
  assert.deepEqual(commands('FROM estiva-test/busybox:1\nCMD ["b"]\nENTRYPOINT ["a"]\n'), { Cmd: ['b'], Entrypoint: ['a'] });
  assert.deepEqual(commands('FROM scratch AS x\nCMD ["b"]\nFROM x\nENTRYPOINT ["a"]\n'), { Cmd: undefined, Entrypoint: ['a'] });
});

test('scratch has a PATH; durations of a health check are in nanoseconds, in history as Go writes them', () => {
  const { config, history } = walked(analyzed('FROM scratch\nHEALTHCHECK --interval=1h --timeout=1500ms --start-period=20ms --retries=65 CMD x\n').target);
  assert.deepEqual(config.Env, ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']);
  assert.equal(history[0]?.created_by, 'HEALTHCHECK &{[CMD-SHELL x] 1h0m0s 1.5s 20ms 0s 65}');
  assert.deepEqual(config.Healthcheck, { Test: ['CMD-SHELL', 'x'], Interval: 3600e9, Timeout: 1.5e9, StartPeriod: 2e7, Retries: 65 });
});
