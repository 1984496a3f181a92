// COPY and ADD beyond the plain ones. Most of it only BuildKit has: there the expectations are what buildx 0.29 made of the same Dockerfile, compared by hand.
import assert from 'node:assert/strict';
import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBuilding } from './building.ts';
import { busybox, openEngine } from './engine.ts';

const engine = await openEngine();
const { contextOf, build, built, inspect, say } = openBuilding(engine);
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
