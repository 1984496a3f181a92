// RUN of a build with what is its own: --mount, --network, --security, heredocs, secrets. dockerd's classic builder knows none of it, so against dockerd the
// same tests build by BuildKit, with the buildx that ESTIVA_E2E_BUILDX names (a directory with cli-plugins/docker-buildx); without it they are skipped.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { Outcome } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const buildx = process.env['ESTIVA_E2E_BUILDX'];
const skip = engine.ours || buildx !== undefined ? false : 'dockerd builds these with buildx only: ESTIVA_E2E_BUILDX';
const dir = mkdtempSync(join(tmpdir(), 'estiva-build-run-'));
const made: string[] = [];
after(async () => {
  if (made.length > 0) await engine.docker(['rmi', '-f', ...made]);
  rmSync(dir, { recursive: true });
});

type Files = Readonly<Record<string, string>>;

function contextOf(files: Files): string {
  const context = mkdtempSync(join(dir, 'context-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(context, name)), { recursive: true });
    writeFileSync(join(context, name), text);
  }
  return context;
}

/** With Docker's client: the classic one for ours, buildx for dockerd. */
async function build(files: Files | string, flags: readonly string[] = []): Promise<Outcome & { readonly tag: string }> {
  const tag = engine.unique('run');
  const context = typeof files === 'string' ? files : contextOf(files);
  const env = { ...process.env, DOCKER_HOST: engine.dockerHost, ...engine.ours ? { DOCKER_BUILDKIT: '0' } : { DOCKER_CONFIG: buildx! } };
  const outcome = await engine.docker([...engine.ours ? ['build'] : ['buildx', 'build', '--load', '--provenance=false'], '-t', tag, ...flags, context], { env, timeoutMs: 60_000 });
  if (outcome.code === 0) made.push(tag);
  return { ...outcome, tag };
}

async function built(files: Files | string, flags: readonly string[] = []): Promise<string> {
  const outcome = await build(files, flags);
  succeeded(outcome);
  return outcome.tag;
}

/** What a shell line says in a container of the image. */
async function say(tag: string, script: string): Promise<string> {
  return succeeded(await engine.run(['--rm', '--user', '0', '--entrypoint', 'sh', tag, '-c', script]));
}

const mountsOf = `grep -oE ' /(t|c|b)[^ ]* (rw|ro)[^ ]*' /proc/self/mountinfo | sort`;

test('--mount: tmpfs, bind and cache as BuildKit mounts them; nothing of them is in the layer, nor their mount points', { skip }, async () => {
  const tag = await built({
    Dockerfile: `FROM ${busybox} AS other
RUN mkdir -p /d/sub && echo stage > /d/x && chown 7:8 /d/x && ln -s /d/sub /link
FROM ${busybox}
RUN mkdir /there && touch -d '2001-01-01' /there
WORKDIR /there
RUN --mount=type=tmpfs,target=/t/one,size=1m --mount=target=/b/all --mount=source=sub/file,target=/b2/deep/file --mount=from=other,source=/d,target=/b3,rw \\
    --mount=from=other,source=/link,target=/b4 --mount=source=sub,target=rel --mount=type=cache,target=/c/one,mode=0700,uid=5,gid=6 --mount=type=cache,target=/c/two,from=other,source=/d \\
    ${mountsOf} > /out && stat -c '%n %a %u %g' /t/one /b/all /b2/deep/file /b3/x /b4 rel /c/one /c/two /c/two/x >> /out && cat /b/all/sub/file /b2/deep/file /b3/x rel/file /c/two/x >> /out \\
    && echo written > /b3/new && cat /b3/new >> /out && df -k /t/one | tail -n1 | awk '{ print $2 }' >> /out && (echo x > /b/all/x) 2>&1 | grep -o 'Read-only.*' >> /out
`, 'sub/file': 'of the context\n',
  });
  assert.equal(await say(tag, 'cat /out'), `${[
    ' /b/all ro,relatime', ' /b2/deep/file ro,relatime', ' /b3 rw,relatime', ' /b4 ro,relatime', ' /c/one rw,relatime', ' /c/two rw,relatime', ' /t/one rw,nosuid,relatime', ' /there/rel ro,relatime',
  ].join('\n')}
/t/one 1777 0 0
/b/all 755 0 0
/b2/deep/file 644 0 0
/b3/x 644 7 8
/b4 755 0 0
rel 755 0 0
/c/one 700 5 6
/c/two 755 0 0
/c/two/x 644 7 8
of the context
of the context
stage
of the context
stage
written
1024
Read-only file system
`);
  assert.equal(await say(tag, 'ls -d /t /b /b2 /b3 /b4 /c /there/rel 2>/dev/null; ls -A /there'), '');
  // BuildKit leaves the time at which the mount point was made.
  if (engine.ours) assert.equal(await say(tag, 'stat -c %y /there | cut -c1-4'), '2001\n');
});

test('--mount=type=bind: the content is part of the key, the rest of the context is not; what .dockerignore names is not there', { skip }, async () => {
  const Dockerfile = `FROM ${busybox}
RUN --mount=source=a,target=/b/a head -c 8 /dev/urandom | od -An -tx1 > /out
RUN --mount=target=/b/all ls -A /b/all /b/all/d > /names
`;
  const files = { Dockerfile, '.dockerignore': '*.log\nd\n!d/kept\n', a: 'one', 'x.log': '', 'd/kept': '', 'd/gone': '' };
  const [first, second, third] = [await built(files), await built({ ...files, 'x.log': 'changed' }), await built({ ...files, a: 'two' })];
  const out = (tag: string): Promise<string> => say(tag, 'cat /out');
  assert.equal(await out(first), await out(second));
  assert.notEqual(await out(first), await out(third));
  assert.equal(await say(first, 'cat /names'), '/b/all:\n.dockerignore\nDockerfile\na\nd\n\n/b/all/d:\nkept\n');
});

test('--mount=type=cache: what a step wrote is there for the next, also in another build; the id tells them apart, and mode, owner and from', { skip }, async () => {
  const id = engine.unique('cache');
  const step = (text: string, flags = ''): Files => ({ Dockerfile: `FROM ${busybox}\nRUN --mount=type=cache,id=${id}${flags},target=/c ${text}\n` });
  await built(step('echo first > /c/file'));
  assert.equal(await say(await built(step('cat /c/file > /out')), 'cat /out'), 'first\n');
  assert.equal(await say(await built(step('ls -A /c > /out', '2')), 'cat /out'), '');
  assert.equal(await say(await built(step('ls -A /c > /out', ',uid=9')), 'cat /out'), '');
  assert.equal(await say(await built(step('(echo no > /c/x) 2>&1 | grep -c Read-only > /out', ',ro')), 'cat /out'), '1\n');
});

test('--mount=type=cache,sharing: locked waits, private gets another, shared is the same for all', { skip }, async () => {
  const both = async (sharing: string): Promise<string> => {
    const id = engine.unique('sharing');
    const tag = await built({
      Dockerfile: `FROM ${busybox} AS one
RUN --mount=type=cache,id=${id},sharing=${sharing},target=/c echo one >> /c/log; sleep 1; echo one ends >> /c/log; cat /c/log > /out
FROM ${busybox} AS two
RUN --mount=type=cache,id=${id},sharing=${sharing},target=/c sleep 0.3; echo two >> /c/log; sleep 1; echo two ends >> /c/log; cat /c/log > /out
FROM ${busybox}
COPY --from=one /out /one
COPY --from=two /out /two
`,
    });
    return await say(tag, 'cat /one; echo -; cat /two');
  };
  const [locked, separate, shared] = await Promise.all([both('locked'), both('private'), both('shared')]);
  // BuildKit lets steps of one build in at once.
  if (engine.ours) assert.ok(['one\none ends\n-\none\none ends\ntwo\ntwo ends\n', 'two\ntwo ends\none\none ends\n-\ntwo\ntwo ends\n'].includes(locked), locked);
  assert.equal(separate, 'one\none ends\n-\ntwo\ntwo ends\n');
  assert.match(shared, /one\ntwo\none ends/);
});

test('cache directories are counted by system df and go with a prune', { skip: !engine.ours && 'dockerd has other builds in its cache' }, async () => {
  await built({ Dockerfile: `FROM ${busybox}\nRUN --mount=type=cache,id=${engine.unique('counted')},target=/c head -c 300000 /dev/zero > /c/zeros\n` });
  const list = async (): Promise<readonly { readonly ID: string; readonly Type: string; readonly Size: number; readonly InUse: boolean }[]> => JSON.parse((await engine.http('GET', '/system/df?type=build-cache')).text).BuildCache;
  const found = (await list()).find(({ Type, Size }) => Type === 'exec.cachemount' && Size === 300_000);
  assert.equal(found?.InUse, false);
  const pruned = JSON.parse((await engine.http('POST', `/build/prune?all=1&filters=${encodeURIComponent(JSON.stringify({ type: ['exec.cachemount'], id: [found.ID] }))}`)).text);
  assert.deepEqual(pruned, { CachesDeleted: [found.ID], SpaceReclaimed: 300_000 });
  assert.equal((await list()).some(({ ID }) => ID === found.ID), false);
});

test('a mount that cannot be is refused in words, and a link leads nowhere but into its tree', { skip }, async () => {
  const context = contextOf({ Dockerfile: `FROM ${busybox}\nRUN --mount=source=out,target=/b true\n` });
  symlinkSync('../../../../../../etc', join(context, 'out'));
  assert.match(wordsOf(await build(context)), /not found/);
  assert.match(wordsOf(await build({ Dockerfile: `FROM ${busybox}\nRUN --mount=type=cache,target=/ true\n` })), /invalid mount target "\/"/);
  assert.match(wordsOf(await build({ Dockerfile: `FROM ${busybox}\nRUN --mount=source=../../etc/passwd,target=/b true\n` })), /"\/etc\/passwd": not found/);
});

function wordsOf({ code, stdout, stderr }: Outcome): string {
  assert.notEqual(code, 0);
  return stdout + stderr;
}
