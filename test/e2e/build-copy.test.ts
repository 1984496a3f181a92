// COPY and ADD beyond the plain ones. Most of it only BuildKit has; the expectations are those of its reference, the modes of a symbolic --chmod what buildx 0.29 made.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBuilding } from './building.ts';
import { busybox, openEngine } from './engine.ts';
import { gitBackend, makeRepository, serve } from './web.ts';

const engine = await openEngine();
const { dir, contextOf, build, built, inspect, say } = openBuilding(engine);
const ofBuildKit = { skip: !engine.ours && 'the classic builder of dockerd does not have it' };

test('COPY --chmod with words changes the modes that files have; links are left alone', ofBuildKit, async () => {
  const context = contextOf({
    'x/y/g.md': 'g', 'a/b/h.txt': 'h', 'run.sh': 'r', Dockerfile: `FROM ${busybox}\nCOPY --chmod=u=rwX,go=rX x /c1/\nCOPY --chmod=+x a/b /c2/\nCOPY --chmod=g+w,o-r run.sh a/b/h.txt /c3/\nCOPY --chmod=a=,u+s,g=u run.sh /c4/\n`,
  });
  chmodSync(join(context, 'x/y'), 0o700);
  chmodSync(join(context, 'a/b/h.txt'), 0o600);
  chmodSync(join(context, 'run.sh'), 0o755);
  symlinkSync('y', join(context, 'x/ly'));
  const { tag } = await built(context);
  assert.deepEqual((await say(tag, "stat -c '%A %n' /c1/ly /c1/y /c1/y/* /c2/* /c3/* /c4/*")).trim().split('\n'), [
    'lrwxrwxrwx /c1/ly', 'drwxr-xr-x /c1/y', '-rw-r--r-- /c1/y/g.md', '-rwx--x--x /c2/h.txt', '-rw--w---- /c3/h.txt', '-rwxrwx--x /c3/run.sh', '---S------ /c4/run.sh',
  ]);
});

test('COPY --parents keeps the directories that files are in, from where a dot stands; --exclude names paths from there', ofBuildKit, async () => {
  const context = contextOf({
    'x/y/z/f.txt': '1', 'x/y/g.md': '2', 'a/b/h.txt': '3', 'a/n.md': '4',
    Dockerfile: `FROM ${busybox}
COPY --parents x/y/z/f.txt a/b /p1
COPY --parents ./x/./y/*/*.txt /p2/
COPY --parents **/*.txt /p3/
COPY --parents --exclude=x/y/z --exclude=**/*.md x a /p4/
COPY --parents --exclude=y/z x/./y /p5/
COPY --parents x/ly /p6/
COPY --parents --chmod=u=rwX,go= --chown=3:4 x/y/z /p7/
`,
  });
  chmodSync(join(context, 'x/y'), 0o700);
  symlinkSync('y', join(context, 'x/ly'));
  const { tag } = await built(context);
  const found = async (path: string): Promise<string> => (await say(tag, `cd ${path} && find . | sort | xargs stat -c '%a %u %n' | tail -n +2`)).trim().replaceAll('./', '').split('\n').join(', ');
  assert.equal(await found('/p1'), '755 0 a, 755 0 a/b, 644 0 a/b/h.txt, 755 0 x, 700 0 x/y, 755 0 x/y/z, 644 0 x/y/z/f.txt');
  assert.equal(await found('/p2'), '700 0 y, 755 0 y/z, 644 0 y/z/f.txt');
  assert.equal(await found('/p3'), '755 0 a, 755 0 a/b, 644 0 a/b/h.txt, 755 0 x, 700 0 x/y, 755 0 x/y/z, 644 0 x/y/z/f.txt');
  assert.equal(await found('/p4'), '755 0 a, 755 0 a/b, 644 0 a/b/h.txt, 755 0 x, 777 0 x/ly, 700 0 x/y');
  assert.equal(await found('/p5'), '700 0 y, 644 0 y/g.md');
  assert.equal(await found('/p6'), '755 0 x, 777 0 x/ly');
  assert.equal(await found('/p7'), '700 3 x, 700 3 x/y, 700 3 x/y/z, 600 3 x/y/z/f.txt');
  assert.match((await build({ Dockerfile: `FROM ${busybox}\nCOPY --parents x/../../etc/passwd /p/\n` })).stderr, /forbidden path outside the build context/);
  assert.match((await build({ Dockerfile: `FROM ${busybox}\nCOPY --parents no/such /p/\n` })).stderr, /stat no\/such: file does not exist/);
});

test('COPY --link is the same layer upon whatever lies below: no link is followed, and another base does not make it anew', ofBuildKit, async () => {
  const files = { a: engine.unique('a') };
  const dockerfile = (base: string): string => `FROM ${busybox}\nRUN ${base}\nWORKDIR /w\nCOPY --link a sub/\nCOPY --link --chown=5:6 a /lex/\n`;
  const first = await built({ ...files, Dockerfile: dockerfile(`ln -s /etc /lex; echo ${engine.unique('1')} > /one`) });
  const second = await built({ ...files, Dockerfile: dockerfile(`echo ${engine.unique('2')} > /two`) });
  assert.equal(second.stdout.match(/Using cache/g)?.length, 2);
  const [one, two] = [await inspect(first.tag), await inspect(second.tag)];
  assert.deepEqual(one.RootFS.Layers.slice(-2), two.RootFS.Layers.slice(-2));
  assert.notEqual(one.RootFS.Layers.at(-4), two.RootFS.Layers.at(-4));
  assert.equal(await say(first.tag, "stat -c '%F %u:%g' /lex /lex/a /w/sub/a; test -e /etc/a || echo none"), 'directory 5:6\nregular file 5:6\nregular file 0:0\nnone\n');
  assert.match((await build({ a: '', Dockerfile: `FROM ${busybox}\nCOPY --link --chown=daemon a /a\n` })).stderr, /--link cannot look up --chown=daemon/);
});

test('COPY refuses a mode that is none, with the line', ofBuildKit, async () => {
  assert.match((await build({ a: '', Dockerfile: `FROM ${busybox}\nCOPY --chmod=u=rwZ a /a\n` })).stderr, /invalid chmod parameter: "u=rwZ"/);
});

test('ADD of a URL: named by its end, mode 600, as old as it was changed last; the same content is not done again', async () => {
  const file = { text: 'one', etag: '"1"' };
  const web = await serve((request, response) => {
    if (request.url === '/moved/b.txt') response.writeHead(302, { Location: '/d/a%20b.txt?x=1' }).end();
    else if (request.url === '/round') response.writeHead(302, { Location: '/round' }).end();
    else if (request.url === '/none') response.writeHead(404).end('no');
    else if (request.headers['if-none-match'] === file.etag) response.writeHead(304).end();
    else response.writeHead(200, { ETag: file.etag, 'Last-Modified': 'Sat, 01 Jan 2022 00:00:00 GMT', 'Content-Disposition': 'attachment; filename="said.txt"' }).end(file.text);
  });
  const dockerfile = `FROM ${busybox}\nADD ${web.url}/d/a%20b.txt?x=1 /d/\nADD ${web.url}/moved/b.txt /e/renamed\nADD ${web.url}/ /f/\n`;
  const { tag } = await built({ Dockerfile: dockerfile });
  assert.equal(await say(tag, "stat -c '%a %u %Y %n' /d/* /e/* /f/*"), '600 0 1640995200 /d/a b.txt\n600 0 1640995200 /e/renamed\n600 0 1640995200 /f/said.txt\n');
  const again = await built({ Dockerfile: dockerfile });
  assert.equal(again.stdout.match(/Using cache/g)?.length, 3);
  if (engine.ours) assert.equal(web.asked.filter(({ status }) => status === 200).length, 3, 'what has not changed is not sent again');
  Object.assign(file, { text: 'two', etag: '"2"' });
  const changed = await built({ Dockerfile: dockerfile });
  assert.equal(changed.stdout.match(/Using cache/g), null);
  assert.equal(await say(changed.tag, 'cat /e/renamed'), 'two');
  assert.match((await build({ Dockerfile: `FROM ${busybox}\nADD ${web.url}/none /n\n` })).stderr, /ADD failed: failed to GET .*\/none with status 404 Not Found/);
  assert.match((await build({ Dockerfile: `FROM ${busybox}\nADD ${web.url}/round /n\n` })).stderr, /stopped after 10 redirects/);
});

test('ADD of a URL: --checksum, --unpack, proxies of the build; a server that is not there is said', ofBuildKit, async () => {
  const archive = join(dir, 'a.tgz');
  execFileSync('tar', ['-czf', archive, '-C', contextOf({ 'in/x': 'x' }), 'in']);
  const bytes = readFileSync(archive);
  const sum = createHash('sha256').update(bytes).digest('hex');
  const web = await serve((_, response) => { response.writeHead(200).end(bytes); });
  const { tag } = await built({ Dockerfile: `FROM ${busybox}\nADD --checksum=sha256:${sum} ${web.url}/a.tgz /as/\nADD --unpack=true ${web.url}/a.tgz /in/\n` });
  assert.equal(await say(tag, 'cat /in/in/x; ls /as'), 'xa.tgz\n');
  const asked = web.asked.length;
  await built({ Dockerfile: `FROM ${busybox}\nRUN true\nADD --checksum=sha256:${sum} ${web.url}/a.tgz /as/\n` });
  assert.equal(web.asked.length, asked, 'a checksum that is known needs no question, and the file is kept');
  const wrong: readonly (readonly [flags: string, message: RegExp])[] = [
    [`--checksum=sha256:${'0'.repeat(64)} ${web.url}/b.tgz /x`, /digest mismatch of .*b\.tgz: sha256:[0-9a-f]{64} is there, sha256:0{64} was expected/], [`--checksum=md5:12 ${web.url}/a.tgz /x`, /invalid checksum: "md5:12"/],
    [`--checksum=sha256:${sum} ${web.url}/a.tgz ${web.url}/b.tgz /x/`, /checksum can't be specified for multiple sources/], [`--checksum=sha256:${sum} a /x`, /checksum requires HTTP\(S\) or Git sources/],
    ['--keep-git-dir a /x', /--keep-git-dir is for git repositories/], ['http://127.0.0.1:1/x /x', /connect: connection refused/],
  ];
  for (const [line, message] of wrong) assert.match((await build({ a: '', Dockerfile: `FROM ${busybox}\nADD ${line}\n` })).stderr, message, line);
  const proxy = await serve((request, response) => { response.writeHead(200).end(`proxied ${request.url}`); });
  const proxied = await built({ Dockerfile: `FROM ${busybox}\nADD http://files.invalid/p /p\n` }, ['--build-arg', `http_proxy=${proxy.url}`]);
  assert.equal(await say(proxied.tag, 'cat /p'), 'proxied http://files.invalid/p');
});

test('ADD of a git repository: branch, tag, commit and directory; submodules from the network only, no hook, no configuration of the repository', ofBuildKit, async () => {
  const root = join(dir, 'repositories');
  const [main, part] = [makeRepository(join(root, 'main')), makeRepository(join(root, 'part'))];
  const web = await serve(gitBackend(root));
  const linked = part.commit({ p: 'part' });
  const first = main.commit({ 'a.txt': 'one', 'docs/d.md': 'd' });
  main.git('tag', '-a', '-m', 'x', 'v1');
  main.link('sub', `${web.url}/part.git`, linked);
  const second = main.commit({ 'a.txt': 'two', '.gitattributes': 'a.txt filter=evil\n' });
  const add = (address: string, flags = '', to = '/r/'): string => `ADD ${flags} ${web.url}/main.git${address} ${to}`;
  const { tag } = await built({ Dockerfile: `FROM ${busybox}\n${[add('', '', '/1/'), add('#v1', '', '/2/'), add(`#${first}`, `--checksum=${first}`, '/3/'), add('#main:docs', '', '/4/'), add('', '--keep-git-dir', '/5/')].join('\n')}\n` });
  const files = await say(tag, 'for i in 1 2 3 4 5; do cd /$i; ls -A; cat a.txt d.md 2>/dev/null; echo; done');
  assert.equal(files.replaceAll('\n', ' ').trim(), '.gitattributes .gitmodules a.txt docs sub two a.txt docs one a.txt docs one d.md d .git .gitattributes .gitmodules a.txt docs sub two');
  assert.equal(await say(tag, "cat /1/sub/p; stat -c ' %u %Y' /1/a.txt; find /1 /2 /3 /4 -name .git"), 'part 0 1600000000\n');
  assert.match((await build({ Dockerfile: `FROM ${busybox}\n${add('', `--checksum=${first}`)}\n` })).stderr, new RegExp(`expected checksum to match ${first}, got ${second}`));
  assert.match((await build({ Dockerfile: `FROM ${busybox}\n${add('#nope')}\n` })).stderr, /has no branch or tag "nope"/);
  assert.match((await build({ Dockerfile: `FROM ${busybox}\n${add('#main:nope')}\n` })).stderr, /The repository has no directory "nope"/);
  main.link('local', part.dir, linked);
  main.commit({});
  assert.match((await build({ Dockerfile: `FROM ${busybox}\n${add('')}\n` })).stderr, /git submodule failed: .*transport 'file' not allowed/);
});

test('a context elsewhere: a repository, an archive, a Dockerfile alone; what is none of them is refused', async () => {
  const root = join(dir, 'contexts');
  const repository = makeRepository(join(root, 'app'));
  repository.commit({ 'docker/Dockerfile': `FROM ${busybox}\nCOPY f /f\n`, 'docker/f': 'of git' });
  const archive = join(dir, 'context.tgz');
  execFileSync('tar', ['-czf', archive, '-C', contextOf({ 'Other': `FROM ${busybox}\nCOPY g /g\n`, g: 'of tar' }), '.']);
  const serveGit = gitBackend(root);
  const web = await serve((request, response) => {
    if (request.url === '/c.tgz') response.writeHead(200, { 'Content-Type': 'application/gzip' }).end(readFileSync(archive));
    else if (request.url === '/Dockerfile') response.writeHead(200, { 'Content-Type': 'text/plain' }).end(`FROM ${busybox}\nRUN echo alone > /h\n`);
    else if (request.url === '/none') response.writeHead(404).end();
    else serveGit(request, response);
  });
  const remote = async (address: string, query = ''): Promise<{ readonly tag: string; readonly text: string }> => {
    const tag = engine.unique('remote');
    const answer = await engine.http('POST', `/build?t=${tag}&remote=${encodeURIComponent(address)}${query}`);
    return { tag, text: answer.text };
  };
  const cases: readonly (readonly [address: string, query: string, script: string, expected: string])[] = [
    [`${web.url}/app.git#main:docker`, '', 'cat /f', 'of git'], [`${web.url}/c.tgz`, '&dockerfile=Other', 'cat /g', 'of tar'], [`${web.url}/Dockerfile`, '', 'cat /h', 'alone\n'],
  ];
  for (const [address, query, script, expected] of cases) {
    const { tag, text } = await remote(address, query);
    assert.match(text, /Successfully built/, `${address}: ${text}`);
    assert.equal(await say(tag, script), expected);
    await engine.docker(['rmi', '-f', tag]);
  }
  assert.match((await remote('nonsense')).text, /remoteURL \(nonsense\) could not be recognized as URL/);
  assert.match((await remote(`${web.url}/none`)).text, /404/);
});

test('--cache-from: an image with the same beginning gives its layers; one that is not there is said, and the build goes on', ofBuildKit, async () => {
  const files = { a: engine.unique('a'), Dockerfile: `FROM ${busybox}\nRUN echo ${engine.unique('x')} > /x\nENV A=1\nCOPY a /a\n` };
  const first = await built(files);
  await engine.docker(['builder', 'prune', '-af']);
  const second = await built(files, ['--cache-from', first.tag]);
  assert.equal(second.stdout.match(/Using cache/g)?.length, 3);
  assert.deepEqual((await inspect(second.tag)).RootFS, (await inspect(first.tag)).RootFS);
  const changed = await built({ ...files, Dockerfile: files.Dockerfile.replace('A=1', 'A=2') }, ['--no-cache', '--cache-from', first.tag]);
  assert.equal(changed.stdout.match(/Using cache/g), null);
  const missing = await built(files, ['--cache-from', '127.0.0.1:1/no/such:1']);
  assert.match(missing.stdout, /\[Warning\] 127\.0\.0\.1:1\/no\/such:1 is no cache: /);
});

test('parameters of POST /build that ask for what is not there are refused by name', ofBuildKit, async () => {
  for (const [parameter, message] of [['session=x', /session is BuildKit's/], ['buildid=x', /buildid is BuildKit's/], ['isolation=hyperv', /isolation is for Windows/], ['credentialspecs=x', /credentialspecs are for Windows/], ['remote=client-session', /client-session is BuildKit's/], ['version=2', /classic builder/]] as const) {
    const answer = await engine.http('POST', `/build?${parameter}`);
    assert.equal(answer.status, 501, parameter);
    assert.match(answer.text, message);
  }
});
