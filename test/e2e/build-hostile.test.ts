// Builds that attack, or that are cut off: what is sent may be anything, and whatever becomes of it, the cache and the store say the truth afterwards.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { tar } from '../fixtures/tar.ts';
import { openBuilding } from './building.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const { contextOf, build, built, say } = openBuilding(engine);
const ofOurs = { skip: !engine.ours && 'ours alone' };

/** What the daemon answers to a context that no client would make. */
async function post(context: Uint8Array, query = ''): Promise<{ readonly status: number; readonly text: string }> {
  const { status, text } = await engine.http('POST', `/build${query}`, context);
  return { status, text };
}

const dockerfile = (text: string | Buffer): Uint8Array => tar([{ path: 'Dockerfile', data: Buffer.from(text) }]);

test('Dockerfiles that are none: each ends with a sentence, none with the daemon', ofOurs, async () => {
  const cases: readonly (readonly [what: string, text: string | Buffer, message: RegExp])[] = [
    ['a line of 50 MB', `FROM ${busybox}\nRUN ${'x'.repeat(50 << 20)}\n`, /larger than|too large|greater than/i], ['NUL', `FROM ${busybox}\nRUN a\0b\n`, /NUL character/], ['a heredoc without end', `FROM ${busybox}\nCOPY <<E /x\nnever\n`, /unterminated heredoc/],
    ['nothing', '', /no instructions|cannot be empty/i], ['a cycle', 'FROM scratch AS a\nCOPY --from=b / /\nFROM a AS b\nFROM b\nCOPY --from=a / /\n', /circular|defined before|stage/], ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256)), /NUL|unknown instruction|parse/i],
  ];
  for (const [what, text, message] of cases) assert.match((await post(dockerfile(text))).text, message, what);
});

test('CRLF, BOM and ten thousand stages build as they should', async () => {
  const crlf = await built({ a: 'a', Dockerfile: `\uFEFFFROM ${busybox}\r\nCOPY a /a\r\nENV X=1\r\n` });
  assert.equal(await say(crlf.tag, 'cat /a; echo $X'), 'a1\n');
  if (!engine.ours) return;
  const stages = Array.from({ length: 10_000 }, (_, i) => `FROM scratch AS s${i}\nCOPY a /a\n`).join('');
  const { stdout } = await built({ a: 'a', Dockerfile: `${stages}FROM ${busybox}\nCOPY --from=s9999 /a /a\n` });
  assert.match(stdout, /Step 4\/4/);
});

test('links and names of a context lead nowhere but into it', ofOurs, async () => {
  const link = contextOf({ Dockerfile: `FROM ${busybox}\nCOPY --parents in/shadow /p/\nCOPY in /c\nRUN test ! -e /p/in/shadow || test -L /p/in/shadow\n`, 'in/f': '' });
  symlinkSync('/etc/shadow', join(link, 'in/shadow'));
  assert.equal(await say((await built(link)).tag, 'readlink /p/in/shadow; readlink /c/shadow'), '/etc/shadow\n/etc/shadow\n');
  const pivot = contextOf({ Dockerfile: `FROM ${busybox}\nCOPY --parents out/./passwd /p/\n` });
  symlinkSync('/../../../../etc', join(pivot, 'out'));
  assert.match((await build(pivot)).stderr, /stat out\/passwd: file does not exist/);
  for (const path of ['../x', '/../../x', 'a/../../x']) {
    const { text } = await post(tar([{ path: 'Dockerfile', data: Buffer.from(`FROM ${busybox}\nCOPY . /c\n`) }, { path, data: Buffer.from('x') }]));
    assert.doesNotMatch(text, /Successfully built/, path);
  }
});

test('archives of ADD: broken, upwards, whiteouts; each is said with its entry, and nothing of it stays', ofOurs, async () => {
  const context = contextOf({ Dockerfile: `FROM ${busybox}\nADD evil.tar /x/\n` });
  const cases: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
    ['upwards', tar([{ path: '../../up', data: Buffer.from('x') }]), /cannot unpack .*\.\.\/\.\.\/up.*upwards/], ['a whiteout', tar([{ path: '.wh.bin', data: Buffer.alloc(0) }]), /names that begin with \.wh\./],
    ['cut off', tar([{ path: 'f', data: Buffer.alloc(100_000) }]).subarray(0, 50_000), /ends|truncated|cut|end of/i], ['gzip cut off', gzipSync(tar([{ path: 'f', data: Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256)) }])).subarray(0, 400), /end|gzip|broken/i],
  ];
  for (const [what, bytes, message] of cases) {
    writeFileSync(join(context, 'evil.tar'), bytes);
    const outcome = await build(context);
    assert.match(outcome.stderr + outcome.stdout, message, what);
    assert.notEqual(outcome.code, 0, what);
  }
  const before = succeeded(await engine.docker(['system', 'df', '--format', '{{.Type}} {{.TotalCount}}']));
  await build(context);
  assert.equal(succeeded(await engine.docker(['system', 'df', '--format', '{{.Type}} {{.TotalCount}}'])), before);
});

test('a client that leaves amid its context leaves nothing, and the daemon goes on', ofOurs, async () => {
  const whole = tar([{ path: 'Dockerfile', data: Buffer.from(`FROM ${busybox}\nCOPY . /c\n`) }, { path: 'large', data: Buffer.alloc(4 << 20) }]);
  const sent = request({ socketPath: engine.socketPath, method: 'POST', path: '/build', headers: { 'Content-Type': 'application/x-tar', 'Transfer-Encoding': 'chunked' } });
  sent.on('error', () => undefined);
  sent.write(whole.subarray(0, 1 << 20));
  await sleep(200);
  sent.destroy();
  const after = await built({ Dockerfile: `FROM ${busybox}\nRUN echo ${engine.unique('on')}\n` });
  assert.equal(after.code, 0);
});

test('kill -9 of the daemon amid COPY: the next one builds the same, with whole layers', ofOurs, async () => {
  const context = contextOf({ Dockerfile: `FROM ${busybox}\nCOPY large /large\nCOPY --link small /small\n`, small: 's' });
  writeFileSync(join(context, 'large'), Buffer.alloc(96 << 20, engine.unique('x')));
  for (const pauseMs of [300, 500]) {
    const building = build(context);
    await sleep(pauseMs);
    await engine.daemon!.crash();
    await building;
    await engine.daemon!.start();
  }
  const { tag } = await built(context);
  assert.equal(await say(tag, 'stat -c %s /large /small'), `${96 << 20}\n1\n`);
  const archive = await engine.docker(['save', tag, '-o', join(context, 'saved.tar')]);
  assert.equal(archive.code, 0, archive.stderr);
});
