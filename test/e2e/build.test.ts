// Builds by the classic builder's endpoint, with Docker's own client: what comes out is compared field by field with what dockerd's builder makes of the
// same Dockerfile, since the expectations here are those that pass against it.
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBuilding } from './building.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const { contextOf, build, built, inspect, say } = openBuilding(engine);

test('every instruction that changes the configuration, and what history says of it', async () => {
  const { tag } = await built({ Dockerfile: `FROM ${busybox}
ARG A=1
MAINTAINER me <a@b>
ENV X=1 Y="two words" Z=$A
LABEL one=1 "two words"="v 2"
RUN echo hi $A > /hi
RUN true
WORKDIR /w
WORKDIR sub
EXPOSE 80 81/udp
VOLUME ["/v1","/v2"]
USER 1000:1000
SHELL ["/bin/sh","-ec"]
CMD echo hi
ENTRYPOINT ["/bin/sh","-c"]
CMD ["a","b"]
HEALTHCHECK --interval=5s --retries=2 CMD test -e /x
STOPSIGNAL SIGINT
ONBUILD RUN echo onbuild
` });
  const { Config, Author } = await inspect(tag);
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, Healthcheck, OnBuild, Shell } = Config;
  assert.deepEqual({ Author, User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, Healthcheck, OnBuild, Shell }, {
    Author: 'me <a@b>', User: '1000:1000', ExposedPorts: { '80/tcp': {}, '81/udp': {} },
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'X=1', 'Y=two words', 'Z=1'], Entrypoint: ['/bin/sh', '-c'], Cmd: ['a', 'b'], Volumes: { '/v1': {}, '/v2': {} },
    WorkingDir: '/w/sub', Labels: { one: '1', 'two words': 'v 2' }, StopSignal: 'SIGINT', Healthcheck: { Test: ['CMD-SHELL', 'test -e /x'], Interval: 5e9, Retries: 2 },
    OnBuild: ['RUN echo onbuild'], Shell: ['/bin/sh', '-ec'],
  });
  const history = succeeded(await engine.docker(['history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Size}}', tag])).trim().split('\n');
  assert.deepEqual(history.slice(0, 18), [
    '/bin/sh -ec #(nop)  ONBUILD RUN echo onbuild|0B', '/bin/sh -ec #(nop)  STOPSIGNAL SIGINT|0B', '/bin/sh -ec #(nop)  HEALTHCHECK &{[CMD-SHELL test -e /x] 5s 0s 0s 0s 2}|0B',
    '/bin/sh -ec #(nop)  CMD ["a" "b"]|0B', '/bin/sh -ec #(nop)  ENTRYPOINT ["/bin/sh" "-c"]|0B', '/bin/sh -ec #(nop)  CMD ["/bin/sh" "-ec" "echo hi"]|0B', '/bin/sh -ec #(nop)  SHELL [/bin/sh -ec]|0B',
    '/bin/sh -c #(nop)  USER 1000:1000|0B', '/bin/sh -c #(nop)  VOLUME [/v1 /v2]|0B', '/bin/sh -c #(nop)  EXPOSE 80 81/udp|0B', '/bin/sh -c #(nop) WORKDIR /w/sub|0B', '/bin/sh -c #(nop) WORKDIR /w|0B',
    '|1 A=1 /bin/sh -c true|0B', '|1 A=1 /bin/sh -c echo hi $A > /hi|5B', '/bin/sh -c #(nop)  LABEL one=1 two words=v 2|0B', '/bin/sh -c #(nop)  ENV X=1 Y=two words Z=1|0B', '/bin/sh -c #(nop)  MAINTAINER me <a@b>|0B', '/bin/sh -c #(nop)  ARG A=1|0B',
  ]);
  assert.equal(await say(tag, 'cat /hi'), 'hi 1\n');
  const child = await built({ Dockerfile: `FROM ${tag}\n` });
  assert.match(child.stdout, /Running in [0-9a-f]{12}\n[^]*onbuild\n/);
});

test('COPY and ADD: files, directories, patterns, links, owners, archives, and what was there keeps its owner and mode', async () => {
  const context = contextOf({
    'a.txt': 'a', 'b.txt': 'b', 'd/f': 'f', 'd/sub/g': 'g', Dockerfile: `FROM ${busybox} AS s
RUN mkdir -p /ex/in && chmod 1777 /ex && chown 5:6 /ex/in && echo q > /own && chown 7:8 /own && ln -s /ex /lex
FROM s
WORKDIR /work
COPY *.txt ./
COPY d /new
COPY d /ex
COPY --chown=3:4 d /q1/q2/
COPY link /linked
COPY d/f /lex/viasym
COPY d/f /lex
COPY --from=s /own /own2
COPY --from=0 /ex /ex3
`,
  });
  symlinkSync('d/f', join(context, 'link'));
  symlinkSync('f', join(context, 'd/l'));
  const { tag } = await built(context);
  const paths = '/work/* /new/* /new/sub/g /ex /ex/* /q1 /q1/q2 /q1/q2/* /linked /own2 /ex3 /ex3/in';
  assert.deepEqual((await say(tag, `stat -c '%A %u:%g %n' ${paths}`)).trim().split('\n'), [
    '-rw-r--r-- 0:0 /work/a.txt', '-rw-r--r-- 0:0 /work/b.txt', '-rw-r--r-- 0:0 /new/f', 'lrwxrwxrwx 0:0 /new/l', 'drwxr-xr-x 0:0 /new/sub', '-rw-r--r-- 0:0 /new/sub/g',
    'drwxrwxrwt 0:0 /ex', '-rw-r--r-- 0:0 /ex/f', 'drwxr-xr-x 5:6 /ex/in', 'lrwxrwxrwx 0:0 /ex/l', 'drwxr-xr-x 0:0 /ex/sub', '-rw-r--r-- 0:0 /ex/viasym',
    'drwxr-xr-x 0:0 /q1', 'drwxr-xr-x 3:4 /q1/q2', '-rw-r--r-- 3:4 /q1/q2/f', 'lrwxrwxrwx 3:4 /q1/q2/l', 'drwxr-xr-x 3:4 /q1/q2/sub', '-rw-r--r-- 0:0 /linked', '-rw-r--r-- 7:8 /own2', 'drwxr-xr-x 0:0 /ex3', 'drwxr-xr-x 5:6 /ex3/in',
  ]);
});

test('the cache: what is the same is not done again; a file that changed is, and all after it', async () => {
  const files = { 'a.txt': engine.unique('a'), Dockerfile: `FROM ${busybox}\nRUN echo one\nCOPY a.txt /\nRUN cat /a.txt\nLABEL x=y\n` };
  const first = await built(files, ['--no-cache']);
  const second = await built(files);
  assert.equal(second.stdout.match(/Using cache/g)?.length, 4);
  assert.equal((await inspect(first.tag)).Id, (await inspect(second.tag)).Id);
  const changed = await built({ ...files, 'a.txt': engine.unique('b') });
  assert.equal(changed.stdout.match(/Using cache/g)?.length, 1);
  assert.equal((await built(files, ['--no-cache'])).stdout.match(/Using cache/g), null);
});

test('stages, targets, arguments, labels; what no ARG takes is warned of', async () => {
  const Dockerfile = `ARG BASE=nowhere\nFROM \${BASE} AS one\nARG V\nRUN echo "v=$V" > /v\nFROM scratch AS two\nCOPY --from=one /v /v\nFROM one AS three\nRUN exit 9\n`;
  const one = await built({ Dockerfile }, ['--target', 'one', '--build-arg', `BASE=${busybox}`, '--build-arg', 'V=7', '--build-arg', 'OTHER=1', '--label', 'from=flag']);
  assert.equal(await say(one.tag, 'cat /v'), 'v=7\n');
  assert.match(one.stdout, /\[Warning\] One or more build-args \[OTHER\] were not consumed/);
  assert.deepEqual((await inspect(one.tag)).Config.Labels, { from: 'flag' });
  const two = await built({ Dockerfile }, ['--target', 'two', '--build-arg', `BASE=${busybox}`]);
  assert.equal((await inspect(two.tag)).RootFS.Layers.length, 1);
});

test('.dockerignore: what it names is not there, what it brings back is', async () => {
  const { tag } = await built({ '.dockerignore': 'secret\n*.log\n!keep.log\nDockerfile\n', secret: 's', 'x.log': 'x', 'keep.log': 'k', 'in/y.log': 'y', Dockerfile: `FROM ${busybox}\nCOPY . /all\n` });
  assert.equal(await say(tag, 'cd /all && find . -type f | sort'), './.dockerignore\n./in/y.log\n./keep.log\n');
});

test('what is wrong ends the build with one sentence and the code of the step', async () => {
  const wrong: readonly (readonly [line: string, code: number, message: RegExp])[] = [
    ['RUN exit 3', 3, /The command '\/bin\/sh -c exit 3' returned a non-zero code: 3/],
    ['RUN ["/nowhere"]', 1, /exec: "\/nowhere": (stat \/nowhere: )?no such file or directory/],
    ['COPY nope /x', 1, /COPY failed: file not found in build context or excluded by \.dockerignore: stat nope: file does not exist/],
    ['COPY a b /x', 1, /When using COPY with more than one source file, the destination must be a directory and end with a \//],
    ['COPY ../a /x', 1, /COPY failed: forbidden path outside the build context: \.\.\/a \(\)/],
    ['COPY z* /y/', 1, /COPY failed: no source files were specified/],
    ['RUNX a', 1, /dockerfile parse error on line 2: unknown instruction: RUNX/],
    ['COPY --from=5 /a /b', 1, /invalid/i],
    ['STOPSIGNAL NOPE', 1, /NOPE/],
  ];
  for (const [line, code, message] of wrong) {
    const outcome = await build({ a: '', b: '', Dockerfile: `FROM ${busybox}\n${line}\n` });
    assert.match(outcome.stderr + outcome.stdout, message, line);
    assert.equal(outcome.code, code, line);
  }
  const missing = await build({ a: '' }, ['-f', join(contextOf({ other: `FROM ${busybox}\nCOPY a /a\n` }), 'other')]);
  assert.equal(missing.code, 0, missing.stderr);
});

test('links in the context lead nowhere but into it', async () => {
  const context = contextOf({ Dockerfile: `FROM ${busybox}\nCOPY out /out\n` });
  symlinkSync('/../../../../etc/shadow', join(context, 'out'));
  const outcome = await build(context);
  assert.match(outcome.stderr + outcome.stdout, /COPY failed/);
  assert.equal(outcome.code, 1);
});

const ofOurs = { skip: !engine.ours && 'ours alone' };

test('SOURCE_DATE_EPOCH: the same files give the same image', ofOurs, async () => {
  const files = { a: 'x', Dockerfile: `FROM ${busybox}\nCOPY a /d/a\nRUN echo x > /y\nWORKDIR /made\n` };
  const flags = ['--no-cache', '--build-arg', 'SOURCE_DATE_EPOCH=1700000000'];
  const first = await built(files, flags);
  await sleep(1100);
  const second = await built(files, flags);
  assert.equal((await inspect(first.tag)).Id, (await inspect(second.tag)).Id);
});

test('a daemon that is killed amid a step leaves nothing of it', ofOurs, async () => {
  const building = build({ Dockerfile: `FROM ${busybox}\nRUN echo begun; sleep 300\n` });
  await sleep(1500);
  await engine.daemon!.crash();
  assert.notEqual((await building).code, 0);
  await engine.daemon!.start();
  await built({ Dockerfile: `FROM ${busybox}\nRUN echo on\n` });
});
