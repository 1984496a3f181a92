// RUN of a build with what is its own: --mount, --network, --security, heredocs, secrets. dockerd's classic builder knows none of it, so against dockerd the
// same tests build by BuildKit, with the buildx that ESTIVA_E2E_BUILDX names (a directory with cli-plugins/docker-buildx); without it they are skipped.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, type Outcome } from './command.ts';
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
  const both = async (sharing: string, work: string): Promise<string> => {
    const mount = `--mount=type=cache,id=${engine.unique('sharing')},sharing=${sharing},target=/c`;
    const step = (name: string): string => `RUN ${mount} echo ${name} >> /c/log; ${work}; echo ${name} ends >> /c/log; cat /c/log > /out`;
    const tag = await built({ Dockerfile: `FROM ${busybox} AS one\n${step('one')}\nFROM ${busybox} AS two\n${step('two')}\nFROM ${busybox}\nCOPY --from=one /out /one\nCOPY --from=two /out /two\n` });
    return await say(tag, 'cat /one; echo -; cat /two');
  };
  // Each waits for the other, for as long as that takes.
  const shared = await both('shared', 'for i in $(seq 100); do [ $(wc -l < /c/log) -ge 2 ] && break; sleep 0.1; done');
  assert.match(shared, /one\ntwo\n|two\none\n/);
  if (!engine.ours) return; // BuildKit lets steps of one build in at once, whatever they say.
  const [locked, separate] = await Promise.all([both('locked', 'sleep 0.5'), both('private', 'sleep 0.5')]);
  for (const text of [locked, separate]) assert.doesNotMatch(text, /one\ntwo\n|two\none\n/);
  assert.match(locked, /one ends\ntwo\ntwo ends|two ends\none\none ends/);
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

const oursOnly = engine.ours ? false : 'sessions are ours';

/** With our command line, which has secrets and agents; for dockerd, buildx. */
async function estiva(files: Files, flags: readonly string[], env: Readonly<Record<string, string>> = {}, input?: string): Promise<Outcome & { readonly tag: string }> {
  if (!engine.ours) return await build(files, flags);
  const tag = engine.unique('run');
  const outcome = await command(resolve(import.meta.dirname, '../../bin/estiva'), ['build', '-t', tag, ...flags, contextOf(files)], { env: { ...process.env, ...env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: engine.dockerHost }, timeoutMs: 60_000, ...input === undefined ? {} : { input } });
  if (outcome.code === 0) made.push(tag);
  return { ...outcome, tag };
}

function fileOf(text: string): string {
  const path = join(mkdtempSync(join(dir, 'file-')), 'file');
  writeFileSync(path, text);
  return path;
}

const secretDockerfile = `FROM ${busybox}
WORKDIR /w
RUN --mount=type=secret,id=s --mount=type=secret,id=s,target=/etc/s,mode=0444,uid=7,gid=8 --mount=type=secret,id=s,env=VALUE --mount=type=secret,id=none --mount=type=secret,id=s,target=rel \
    stat -c '%n %a %u %g %s' /run/secrets/s /etc/s rel > /out && [ "$VALUE" = "$(cat /run/secrets/s)" ] && [ "$VALUE" = "$(cat /etc/s)" ] && [ ! -e /run/secrets/none ] \
    && grep -oE ' /(run/secrets/s|etc/s) ro,nosuid,nodev,noexec' /proc/self/mountinfo | sort >> /out
RUN ls -d /run/secrets /etc/s /w/* >> /out 2>/dev/null; echo "[$VALUE]" >> /out
`;

test('--mount=type=secret: paths, modes, environment; neither layers nor keys nor anything below the data root has it', { skip }, async () => {
  const secret = `estiva-${engine.unique('secret')}-secret`;
  const first = await estiva({ Dockerfile: secretDockerfile }, ['--secret', `id=s,src=${fileOf(secret)}`]);
  succeeded(first);
  const size = secret.length;
  assert.equal(await say(first.tag, 'cat /out'), `/run/secrets/s 400 0 0 ${size}\n/etc/s 444 7 8 ${size}\nrel 400 0 0 ${size}\n /etc/s ro,nosuid,nodev,noexec\n /run/secrets/s ro,nosuid,nodev,noexec\n[]\n`);
  // Another value does nothing anew.
  const second = await estiva({ Dockerfile: secretDockerfile }, ['--secret', 'id=s,env=OTHER'], { OTHER: 'longer than before, by far, in any case that may be' });
  if (engine.ours) assert.equal((await inspect(second.tag)).Id, (await inspect(first.tag)).Id);
  const failing = await estiva({ Dockerfile: `FROM ${busybox}\nRUN --mount=type=secret,id=s,env=VALUE --mount=type=secret,id=s sleep 0.2; exit 3\n` }, ['--secret', `id=s,src=${fileOf(secret)}`]);
  assert.notEqual(failing.code, 0);
  if (!engine.ours) return;
  for (const text of [first.stdout, first.stderr, failing.stdout, failing.stderr, JSON.stringify(await inspect(first.tag))]) assert.equal(text.includes(secret), false);
  for (const place of [engine.daemon!.place.rootDir, engine.daemon!.place.runDir]) assert.equal((await command('grep', ['-rlaF', secret, place])).stdout, '');
});

test('a secret that is required and not given, too large, a directory, or not there is refused', { skip: oursOnly }, async () => {
  const Dockerfile = `FROM ${busybox}\nRUN --mount=type=secret,id=s,required true\n`;
  assert.match(wordsOf(await build({ Dockerfile })), /The step requires the secret "s", and the build was given none/);
  assert.match(wordsOf(await estiva({ Dockerfile }, ['--secret', 'id=other,env=PATH'])), /requires the secret "s"/);
  assert.match(wordsOf(await estiva({ Dockerfile }, ['--secret', `id=s,src=${dir}`])), /secret s: .* is a directory/);
  assert.match(wordsOf(await estiva({ Dockerfile }, ['--secret', `id=s,src=${dir}/none`])), /secret s: open .*: no such file or directory/);
  assert.match(wordsOf(await estiva({ Dockerfile }, ['--secret', `id=s,src=${fileOf('x'.repeat(10_000_000))}`])), /secret s: it is too large: 10000000 bytes/);
  succeeded(await estiva({ Dockerfile }, ['--secret', `id=s,src=${fileOf('x'.repeat(500 << 10))}`]));
});

test('--mount=type=ssh: a socket that leads to the agent of the client', { skip: oursOnly }, async () => {
  const path = join(dir, 'agent');
  using _agent = agentAt(path);
  const Dockerfile = `FROM ${busybox}\nRUN --mount=type=ssh,required --mount=type=ssh,id=none [ -S $SSH_AUTH_SOCK ] && stat -c '%n %a' $SSH_AUTH_SOCK > /out && ls /run/buildkit >> /out && exec sleep 31.4159\nRUN ls -d /run; true\n`;
  const building = estiva({ Dockerfile }, ['--ssh', `default=${path}`]);
  const pid = await processOf('sleep\u000031.4159\u0000');
  const answer = await new Promise<string>((found, reject) => {
    const socket = connect(`/proc/${pid}/root/run/buildkit/ssh_agent.0`, () => socket.end('hello'));
    let text = '';
    socket.on('data', (data) => { text += String(data); }).on('end', () => found(text)).on('error', reject);
  });
  assert.equal(answer, 'heard hello');
  process.kill(pid, 'SIGKILL');
  assert.match(wordsOf(await building), /code: 137/);
  const done = await estiva({ Dockerfile: Dockerfile.replace('exec sleep 31.4159', 'true') }, ['--ssh', `default=${path}`]);
  succeeded(done);
  assert.equal(await say(done.tag, 'cat /out; ls -d /run 2>/dev/null; true'), '/run/buildkit/ssh_agent.0 600\nssh_agent.0\n');
  assert.match(wordsOf(await build({ Dockerfile })), /The step requires the ssh agent "default"/);
});

test('a daemon that is killed amid a step with mounts leaves no mount, no process and no secret; its caches stay', { skip: oursOnly }, async () => {
  const id = engine.unique('kept');
  const secret = `estiva-${engine.unique('crash')}-secret`;
  const building = estiva({ Dockerfile: `FROM ${busybox}\nRUN --mount=type=cache,id=${id},target=/c --mount=type=secret,id=s --mount=type=secret,id=s,env=V --mount=target=/b,rw echo kept > /c/file && echo gone > /b/x && exec sleep 27.1828\n` }, ['--secret', `id=s,src=${fileOf(secret)}`]);
  const pid = await processOf('sleep\u000027.1828\u0000');
  await engine.daemon!.crash();
  await engine.daemon!.start();
  await building;
  while (existsSync(`/proc/${pid}`)) await sleep(20);
  assert.equal(await say(await built({ Dockerfile: `FROM ${busybox}\nRUN --mount=type=cache,id=${id},target=/c cat /c/file > /out\n` }), 'cat /out'), 'kept\n');
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), /ramfs|scratch-/);
  assert.equal((await command('grep', ['-rlaF', secret, engine.daemon!.place.rootDir])).stdout, '');
});

test('a heredoc that begins with #! is run as a script of its own, and its text is part of the key', { skip }, async () => {
  const files = (word: string): Files => ({ Dockerfile: `FROM ${busybox}
RUN <<SCRIPT
#!/bin/sh -e
echo "$0 ${word}" > /out
stat -c '%a %u %g' $0 >> /out
(echo x >> $0) 2>&1 | grep -o 'Read-only.*' >> /out
SCRIPT
RUN ls /dev/pipes 2>/dev/null >> /out; true
` });
  assert.equal(await say(await built(files('one')), 'cat /out'), '/dev/pipes/SCRIPT one\n755 0 0\nRead-only file system\n');
  assert.equal(await say(await built(files('two')), 'head -n1 /out'), '/dev/pipes/SCRIPT two\n');
});

test('--network=none has the loopback alone; host and --security=insecure must be allowed', { skip }, async () => {
  const none = await built({ Dockerfile: `FROM ${busybox}\nRUN --network=none ls /sys/class/net > /out\n` });
  assert.equal(await say(none, 'cat /out'), 'lo\n');
  assert.match(wordsOf(await build({ Dockerfile: `FROM ${busybox}\nRUN --network=host true\n` })), /network.host is not allowed/);
  assert.match(wordsOf(await build({ Dockerfile: `FROM ${busybox}\nRUN --security=insecure true\n` })), /security.insecure is not allowed|unknown flag: --security/);
  succeeded(await estiva({ Dockerfile: `FROM ${busybox}\nRUN --network=host true\n` }, ['--allow', 'network.host']));
  if (!engine.ours) return;
  const insecure = await estiva({ Dockerfile: `FROM ${busybox}\nRUN --security=insecure mkdir /m && mount -t tmpfs none /m && umount /m && grep CapEff /proc/self/status > /out\nRUN mount -t tmpfs none /m 2>/dev/null || echo no >> /out\n` }, ['--allow', 'security.insecure']);
  succeeded(insecure);
  const said = await say(insecure.tag, 'cat /out');
  assert.match(said, /^CapEff:\t[0-9a-f]{16}\nno\n$/);
  assert.doesNotMatch(said, /a80425fb/);
  assert.match(wordsOf(await estiva({ Dockerfile: `FROM ${busybox}\n` }, ['--allow', 'device'])), /cannot be allowed "device"/);
});

test('--no-cache-filter does a stage anew, and what stands on it, and nothing else', { skip: oursOnly }, async () => {
  const random = 'head -c 8 /dev/urandom | od -An -tx1';
  const files = { Dockerfile: `FROM ${busybox} AS one\nRUN ${random} > /one\nFROM one AS two\nRUN ${random} > /two\nFROM ${busybox} AS three\nRUN ${random} > /three\nFROM two\nCOPY --from=three /three /three\n` };
  const look = async (flags: readonly string[]): Promise<readonly string[]> => {
    const outcome = await estiva(files, flags);
    succeeded(outcome);
    return (await say(outcome.tag, 'cat /one /two /three')).trim().split('\n');
  };
  const [first, same, anew, after] = [await look([]), await look([]), await look(['--no-cache-filter', 'One']), await look([])];
  assert.deepEqual(first, same);
  assert.deepEqual([anew[0] === first[0], anew[1] === first[1], anew[2] === first[2]], [false, false, true]);
  assert.deepEqual(after, anew);
  assert.match(wordsOf(await estiva(files, ['--no-cache-filter', 'thre'])), /There is no stage "thre".*three/);
});

test('two builds that meet at a step do it once; both hear of it; who leaves does not stop the other, the last one does', { skip: oursOnly }, async () => {
  const step = (seconds: string): Files => ({ Dockerfile: `FROM ${busybox}\nRUN echo begun; cat /proc/sys/kernel/random/uuid > /out; sleep ${seconds}; echo ended\n` });
  const [one, two] = await Promise.all([estiva(step('1.41'), []), (async () => { await sleep(500); return await estiva(step('1.41'), []); })()]);
  assert.equal((await inspect(one.tag)).Id, (await inspect(two.tag)).Id);
  for (const { stdout } of [one, two]) assert.match(stdout, /Running in[^]*ended/);

  const [first, leave] = leaving(step('2.236'));
  await processOf('sleep\u00002.236\u0000');
  const second = estiva(step('2.236'), []);
  await sleep(500);
  leave();
  assert.notEqual((await first).code, 0);
  succeeded(await second);

  const [last, leaveLast] = leaving(step('22.36'));
  const pid = await processOf('sleep\u000022.36\u0000');
  leaveLast();
  assert.notEqual((await last).code, 0);
  for (let i = 0; existsSync(`/proc/${pid}`); i++) {
    assert.ok(i < 200, 'the step goes on without anybody');
    await sleep(20);
  }
});

test('--shell-on-error: a shell in the step as it was, with its files, mounts, variables and network', { skip: oursOnly }, async () => {
  const Dockerfile = `FROM ${busybox}
ENV A=env
WORKDIR /w
RUN --mount=target=/b,rw --mount=type=cache,id=${engine.unique('shell')},target=/c --mount=type=secret,id=s,env=V --mount=type=secret,id=s --network=none echo left > made && echo too > /b/made && exit 7
`;
  const flags = ['--secret', `id=s,src=${fileOf('hidden')}`, '--shell-on-error'];
  const input = 'echo "<$A $V $(cat /run/secrets/s) $PWD $(cat made /b/made) $(ls /sys/class/net)>"; exit\n';
  const outcome = await estiva({ Dockerfile }, flags, {}, input);
  assert.equal(outcome.code, 7);
  assert.match(outcome.stdout, /<env hidden hidden \/w left\r?\ntoo lo>/);
  assert.match(outcome.stderr, /ERROR: The command .* returned a non-zero code: 7[^]*>>> RUN --mount/);
  // The end of input ends the shell, and nothing is cached of the step.
  assert.equal((await estiva({ Dockerfile }, flags, {}, '')).code, 7);
});

test('a quiet build that fails shows the last of what the step said', { skip: oursOnly }, async () => {
  const { code, stderr } = await estiva({ Dockerfile: `FROM ${busybox}\nRUN echo last words; nothing-of-this-name\n` }, ['-q']);
  assert.equal(code, 127);
  assert.match(stderr, /last words\n[^]*not found[^]*non-zero code: 127[^]*>>> RUN[^]*Exit code 127: the program was not found/);
});

test('memory that runs out is said in words', { skip: oursOnly }, async () => {
  const outcome = await estiva({ Dockerfile: `FROM ${busybox}\nRUN head -c 200000000 /dev/zero | tail -c 100000000 > /dev/null\n` }, ['--memory', '32m']);
  assert.match(wordsOf(outcome), /wanted more memory than it may have, 33554432 bytes: give it more with --memory/);
});

/** A build, and how its client goes away amid it. */
function leaving(files: Files): readonly [outcome: Promise<{ readonly code: number | null }>, leave: () => void] {
  const child = spawn(resolve(import.meta.dirname, '../../bin/estiva'), ['build', contextOf(files)], { env: { ...process.env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: engine.dockerHost }, stdio: 'ignore' });
  return [new Promise((found) => { child.on('exit', (code) => found({ code })); }), () => { child.kill('SIGKILL'); }];
}

/** Answers what it hears. */
function agentAt(path: string): Disposable {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (data) => { socket.end(`heard ${String(data)}`); }).on('error', () => undefined);
  }).listen(path);
  return { [Symbol.dispose]: () => server.close() };
}

async function processOf(commandLine: string): Promise<number> {
  for (let i = 0; i < 500; i++) {
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        if (readFileSync(`/proc/${name}/cmdline`, 'utf8') === commandLine) return Number(name);
      } catch {
        // It has ended meanwhile.
      }
    }
    await sleep(20);
  }
  throw new Error(`No process runs ${JSON.stringify(commandLine)}`);
}

async function inspect(tag: string): Promise<{ readonly Id: string }> {
  return (JSON.parse(succeeded(await engine.docker(['image', 'inspect', tag]))) as [{ readonly Id: string }])[0];
}

function wordsOf({ code, stdout, stderr }: Outcome): string {
  assert.notEqual(code, 0);
  return stdout + stderr;
}
