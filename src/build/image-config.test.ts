import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { corpusDir } from '../../test/fixtures/dockerfiles.ts';
import { imageOf } from './image-config.ts';
import { analyzed, request } from './request.fixture.ts';

// What dockerd 28.5 made of image-history.Dockerfile: [created_by, whether there is no layer].
const dockerd: readonly (readonly [string, boolean])[] = [
  ['ARG BASEARG=7', true], ['LABEL from=base', true], ['ENV TRIG=1', true], ['COPY a /trig # buildkit', false], ['MAINTAINER Ada', true], ['ARG VERSION=1 EMPTY', true], ['ARG VERSION=2', true],
  ['ENV A=1 B=two words C=2', true], ['ENV A=3', true], ['ENV OLD=the rest  of', true], ['LABEL k=v w n= from=x"y', true], ['SHELL [/bin/sh -ec]', true],
  ['RUN |3 BASEARG=7 VERSION=2 EMPTY= /bin/sh -ec echo "hello" &&     true # buildkit', false], ['RUN |3 BASEARG=7 VERSION=2 EMPTY= /bin/sh -c true # buildkit', false],
  ['RUN |3 BASEARG=7 VERSION=2 EMPTY= /bin/sh -ec echo one\necho two\n # buildkit', false], ['RUN |3 BASEARG=7 VERSION=2 EMPTY= /bin/sh -ec <<END cat && true\nin\nEND # buildkit', false],
  ['RUN |3 BASEARG=7 VERSION=2 EMPTY= /bin/sh -ec true # buildkit', false], ['SHELL [/bin/sh -c]', true], ['WORKDIR /srv', false], ['WORKDIR /srv/app', false], ['WORKDIR /', true],
  ['COPY --chown=1:1 --chmod=644 a b /files/ # buildkit', false], ['COPY /bin/busybox /bb # buildkit', false], ['COPY <<ONE /one # buildkit', false], ['ADD a /added # buildkit', false],
  ['EXPOSE [80/tcp 8000/udp 8001/udp]', true], ['VOLUME [/data /more]', true], ['VOLUME [/with space]', true], ['USER 1000:1000', true], ['STOPSIGNAL SIGQUIT', true],
  ['HEALTHCHECK &{["CMD" "true" "x y"] "1m30s" "0s" "0s" "0s" \'\\x03\'}', true], ['HEALTHCHECK &{["CMD-SHELL" "curl \\"x\\""] "0s" "0s" "0s" "0s" \'\\x00\'}', true],
  ['CMD ["a" "b \\"c"]', true], ['ENTRYPOINT ["/bin/sh" "-c" "exec x"]', true], ['CMD ["/bin/sh" "-c" "echo $A"]', true],
];

test('imageOf() is what dockerd makes of the same instructions: configuration, author, history', () => {
  const { target } = analyzed(readFileSync(join(corpusDir, 'image-history.Dockerfile'), 'utf8'));
  const { config, author, history = [], architecture, os } = imageOf(target, request());
  assert.deepEqual(config, {
    User: '1000:1000', ExposedPorts: { '80/tcp': {}, '8000/udp': {}, '8001/udp': {} }, Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TRIG=1', 'A=3', 'B=two words', 'C=2', 'OLD=the rest  of'],
    Entrypoint: ['/bin/sh', '-c', 'exec x'], Cmd: ['/bin/sh', '-c', 'echo $A'], Volumes: { '/data': {}, '/more': {}, '/with space': {} }, WorkingDir: '/', Labels: { from: 'x"y', k: 'v w', n: '' }, StopSignal: 'SIGQUIT', ArgsEscaped: true,
    Healthcheck: { Test: ['CMD-SHELL', 'curl "x"'] }, OnBuild: ['RUN make'], Shell: ['/bin/sh', '-c'],
  });
  assert.deepEqual({ author, architecture, os }, { author: 'Ada', architecture: 'amd64', os: 'linux' });
  assert.deepEqual(history.map(({ created_by: line, empty_layer: isEmpty }) => [line, isEmpty === true]), [['fixture layer 0', false], ...dockerd]);
  assert.ok(history.slice(1).every(({ comment }) => comment === 'buildkit.dockerfile.v0'));
});

test('imageOf() drops the command of the base for a new entry point, and keeps its own', () => {
  const config = (text: string): unknown => { const { Cmd, Entrypoint } = imageOf(analyzed(text).target, request()).config ?? {}; return { Cmd, Entrypoint }; };
  assert.deepEqual(config('FROM estiva-test/busybox:1\n'), { Cmd: ['sh'], Entrypoint: undefined });
  assert.deepEqual(config('FROM estiva-test/busybox:1\nENTRYPOINT ["a"]\n'), { Cmd: undefined, Entrypoint: ['a'] });
  assert.deepEqual(config('FROM estiva-test/busybox:1\nCMD ["b"]\nENTRYPOINT ["a"]\n'), { Cmd: ['b'], Entrypoint: ['a'] });
  assert.deepEqual(config('FROM scratch AS x\nCMD ["b"]\nFROM x\nENTRYPOINT ["a"]\n'), { Cmd: undefined, Entrypoint: ['a'] });
});

test('imageOf() gives scratch a PATH, and writes durations and retries as Go does', () => {
  const { config, history } = imageOf(analyzed('FROM scratch\nHEALTHCHECK --interval=1h --timeout=1500ms --start-period=20ms --retries=65 CMD x\n').target, request());
  assert.deepEqual(config?.Env, ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']);
  assert.equal(history?.[0]?.created_by, 'HEALTHCHECK &{["CMD-SHELL" "x"] "1h0m0s" "1.5s" "20ms" "0s" \'A\'}');
  assert.deepEqual(config?.Healthcheck, { Test: ['CMD-SHELL', 'x'], Interval: 3600e9, Timeout: 1.5e9, StartPeriod: 2e7, Retries: 65 });
});
