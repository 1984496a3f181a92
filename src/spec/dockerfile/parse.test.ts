import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import * as fc from 'fast-check';
import { corpus } from '../../../test/fixtures/dockerfiles.ts';
import { excerpt } from './excerpt.ts';
import type { Command } from './instruction.ts';
import { readMount } from './mount.ts';
import { parseDockerfile, readDockerfile } from './parse.ts';
import { DockerfileError } from './source.ts';
import { nearest } from './suggest.ts';

/** The one instruction after FROM, without what every instruction has. */
function one(text: string): Partial<Command> {
  const [command] = parseDockerfile(`FROM scratch\n${text}`).stages[0]!.commands;
  const { keyword: _, text: __, lines: ___, comments: ____, ...rest } = command!;
  return rest;
}

const files = { inline: [], chown: undefined, chmod: undefined, link: false, exclude: [] };

/** Milliseconds of processor time: others may keep this machine busy. */
const spentMs = (): number => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };

test('parseDockerfile() reads every instruction in its forms', () => {
  const table: readonly (readonly [text: string, instruction: object])[] = [
    ['ENV A=1 B="x y" C=\'z\'', { kind: 'ENV', pairs: [{ key: 'A', value: '1', isLegacy: false }, { key: 'B', value: '"x y"', isLegacy: false }, { key: 'C', value: "'z'", isLegacy: false }] }],
    ['env A  b  c', { kind: 'ENV', pairs: [{ key: 'A', value: 'b  c', isLegacy: true }] }],
    ['COPY a b /c/', { kind: 'COPY', ...files, sources: ['a', 'b'], destination: '/c/', from: undefined, parents: false }],
    ['COPY --from=x --chown=1:2 --chmod=u+x --link --parents --exclude=*.md --exclude=y ["a b", "/c d"]', { kind: 'COPY', sources: ['a b'], inline: [], destination: '/c d', from: 'x', chown: '1:2', chmod: 'u+x', link: true, parents: true, exclude: ['*.md', 'y'] }],
    ['ADD --checksum=sha256:x --keep-git-dir=false --unpack https://x/y /z', { kind: 'ADD', ...files, sources: ['https://x/y'], destination: '/z', checksum: 'sha256:x', keepGitDir: false, unpack: true }],
    ['RUN a && b', { kind: 'RUN', command: { form: 'shell', line: 'a && b', heredocs: [] }, mounts: [], network: 'default', security: 'sandbox' }],
    ['RUN --network=none --security=insecure --mount=type=ssh --mount=type=cache,target=/c ["a"]', { kind: 'RUN', command: { form: 'exec', words: ['a'] }, mounts: ['type=ssh', 'type=cache,target=/c'], network: 'none', security: 'insecure' }],
    ['CMD ["a", "b c"]', { kind: 'CMD', command: { form: 'exec', words: ['a', 'b c'] } }],
    ['CMD ["a", ', { kind: 'CMD', command: { form: 'shell', line: '["a",', heredocs: [] } }],
    ['CMD', { kind: 'CMD', command: { form: 'shell', line: '', heredocs: [] } }],
    ['ENTRYPOINT []', { kind: 'ENTRYPOINT', command: { form: 'exec', words: [] } }],
    ['SHELL ["/bin/bash", "-c"]', { kind: 'SHELL', words: ['/bin/bash', '-c'] }],
    ['EXPOSE 90 80/udp', { kind: 'EXPOSE', ports: ['80/udp', '90'] }],
    ['VOLUME /a /b', { kind: 'VOLUME', paths: ['/a', '/b'] }],
    ['USER a b', { kind: 'USER', user: 'a b' }],
    ['WORKDIR /a b', { kind: 'WORKDIR', path: '/a b' }],
    ['STOPSIGNAL 9', { kind: 'STOPSIGNAL', signal: '9' }],
    ['MAINTAINER me', { kind: 'MAINTAINER', name: 'me' }],
    ['ONBUILD  RUN a b', { kind: 'ONBUILD', trigger: 'RUN a b' }],
    ['# A is it\nARG A=1 B C=', { kind: 'ARG', args: [{ name: 'A', value: '1', description: 'is it' }, { name: 'B', value: undefined, description: undefined }, { name: 'C', value: '', description: undefined }] }],
    ['HEALTHCHECK --interval=1m --retries=2 CMD ["a"]', { kind: 'HEALTHCHECK', check: { test: ['CMD', 'a'], intervalNs: 60e9, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 2 } }],
    ['HEALTHCHECK none', { kind: 'HEALTHCHECK', check: { test: ['NONE'], intervalNs: 0, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 0 } }],
    ['RUN --mount="type=bind" a', { kind: 'RUN', command: { form: 'shell', line: 'a', heredocs: [] }, mounts: ['type=bind'], network: 'default', security: 'sandbox' }],
    ['LABEL "a b"=c', { kind: 'LABEL', pairs: [{ key: '"a b"', value: 'c', isLegacy: false }] }],
  ];
  for (const [text, instruction] of table) assert.deepEqual(one(text), instruction, text);
});

test('parseDockerfile() puts lines together, and knows where each instruction stands', () => {
  const { stages, emptyContinuations, directives } = parseDockerfile('\uFEFF# syntax=docker/dockerfile:1\r\n# escape=`\r\n\r\nFROM scratch AS A\r\n# about B\r\nENV B=1 `\r\n  # inside\r\n\r\n  C=2\r\nRUN a `` \r\n');
  assert.deepEqual(directives, { escape: '`', syntax: 'docker/dockerfile:1', check: undefined });
  assert.deepEqual(stages[0]!.commands.map(({ text, lines, comments }) => [text, lines, comments]), [['ENV B=1   C=2', { start: 6, end: 9 }, ['about B']], ['RUN a `` ', { start: 10, end: 10 }, []]]);
  assert.deepEqual([stages[0]!.from.name, stages[0]!.from.writtenName, emptyContinuations], ['a', 'A', [{ start: 9, end: 9 }]]);
});

test('parseDockerfile() collects heredocs of every form', () => {
  const text = 'FROM scratch\nRUN <<EOF cat <<-"TWO" 3<<THREE\na\nEOF\n\tb $x\n\tTWO\nc\nTHREE\nCOPY <<x <<\'y\' f /d\n$A\nx\n$B\ny\nADD <<-z /e\n\tq\n\tz\nRUN ["a", "<<EOF"]\nRUN a <<< b << c <<EOF\nEOF\n';
  const commands = parseDockerfile(text).stages[0]!.commands;
  const heredocs = commands.map((command) => command.kind === 'RUN' && command.command.form === 'shell' ? command.command.heredocs.map(({ name, content, stripsTabs, expands }) => [name, content, stripsTabs, expands]) : command.kind === 'COPY' || command.kind === 'ADD' ? command.inline.map(({ name, content, expands }) => [name, content, expands]) : []);
  assert.deepEqual(heredocs, [[['EOF', 'a\n', false, true], ['TWO', '\tb $x\n', true, false], ['THREE', 'c\n', false, true]], [['x', '$A\n', true], ['y', '$B\n', false]], [['z', 'q\n', true]], [], [['EOF', '', false, true]]]);
  assert.deepEqual(commands.map(({ lines: { start, end } }) => [start, end]), [[2, 8], [9, 13], [14, 16], [17, 17], [18, 19]]);
});

test('readMount() reads all types and their options', () => {
  const same = (text: string): string => text;
  const plain = { type: 'bind', from: undefined, source: undefined, target: undefined, readOnly: true, id: undefined, env: undefined, required: false, sharing: undefined, sizeBytes: undefined, mode: undefined, uid: undefined, gid: undefined };
  const table: Readonly<Record<string, object>> = {
    'target=/a': { target: '/a' }, 'type=bind,from=x,src=/b,dst=/a,rw': { from: 'x', source: '/b', target: '/a', readOnly: false }, 'type=cache,id=c,target=/c,sharing=locked,mode=0750,uid=1,gid=2,ro': { type: 'cache', id: 'c', target: '/c', sharing: 'locked', mode: 0o750, uid: 1, gid: 2 },
    'type=cache,target=/c': { type: 'cache', target: '/c', readOnly: false }, 'type=tmpfs,target=/t,size=1.5g': { type: 'tmpfs', target: '/t', sizeBytes: 1.5 * 2 ** 30, readOnly: false }, 'type=secret,id=s,env=T,required': { type: 'secret', id: 's', env: 'T', required: true },
    'type=ssh,required=true': { type: 'ssh', required: true }, '"target=/a,b",readonly=false': { target: '/a,b', readOnly: false },
  };
  for (const [text, expected] of Object.entries(table)) assert.deepEqual(readMount(text, same), { ...plain, ...expected }, text);
  assert.equal(readMount('type=cache,target=$X', (text) => text.replace('$X', '/x')).target, '/x');
});

test('parseDockerfile() agrees with dockerfile-ast about instructions and their lines', () => {
  for (const { name, dockerfile: { text } } of corpus()) {
    const { dockerfile, failure } = readDockerfile(text);
    // It knows of heredocs only what lies in one line, and no byte order mark.
    if (failure !== undefined || text.includes('<<') || text.startsWith('\uFEFF')) continue;
    const theirs = DockerfileParser.parse(text).getInstructions().map((instruction) => [instruction.getKeyword(), instruction.getRange().start.line + 1]);
    const ours = [...dockerfile.globals, ...dockerfile.stages.flatMap(({ from, commands }) => [from, ...commands])].map(({ kind, lines: { start } }) => [kind, start]);
    assert.deepEqual(ours, theirs, name);
  }
});

test('parseDockerfile() fails foreseen and with a line, or not at all, whatever it is given', () => {
  const word = fc.constantFrom('FROM', 'scratch', 'AS', 'a', 'RUN', 'COPY', 'ADD', 'ENV', 'LABEL', 'ARG', 'EXPOSE', 'HEALTHCHECK', 'CMD', 'NONE', 'ONBUILD', 'VOLUME', 'SHELL', '--from=', '--mount=', 'type=', '["', '"]', '<<EOF', '<<-"E"', 'EOF', '\n', '\n', '\r\n', '\\\n', '#', '# escape=`\n', '=', '$', '${', '"', "'", ' ', '\t', '\0', 'é', ',');
  fc.assert(fc.property(fc.array(word, { maxLength: 25 }), (words) => {
    const text = words.join('');
    const { failure } = readDockerfile(text);
    for (const { start, end } of failure?.lines ?? []) assert.ok(start >= 1 && start <= end && end <= text.split('\n').length, JSON.stringify([text, start, end]));
  }), { numRuns: 3000 });
});

test('parseDockerfile() answers 50 MB lines, NUL, and endless files at once', () => {
  const line = (text: string): readonly [string, number | undefined] => { const { failure } = readDockerfile(text); return [failure!.message, failure!.lines[0]?.start]; };
  const startedAt = spentMs();
  assert.deepEqual(line(`FROM scratch\nENV A=${'x'.repeat(50 << 20)}`), ['dockerfile line greater than max allowed size of 65535', 2]);
  assert.deepEqual(line(`FROM scratch\n${'ENV A=b\n'.repeat(300_000)}`), ['the Dockerfile is larger than 2097152 bytes', 262_144]);
  assert.deepEqual(line(`FROM scratch\nRUN <<EOF\n${'x\n'.repeat(10_000)}`), ['unterminated heredoc', 2]);
  assert.deepEqual(line('FROM scratch\nRUN \0'), ['the line contains a NUL character', 2]);
  assert.equal(readDockerfile(`FROM scratch\nENV A="${'\r'.repeat(60_000)}x${' '.repeat(5000)}y"\n`).failure, undefined);
  assert.equal(readDockerfile(`# a = b${' '.repeat(60_000)}c\nFROM scratch\n${'RUN x \\\n'.repeat(100_000)}y`).failure, undefined);
  assert.ok(spentMs() - startedAt < 5000);
});

test('excerpt() shows the lines around, as BuildKit does', () => {
  const text = 'a\nb\nc\nd\ne\nf\ng';
  assert.deepEqual(excerpt('F', text, [{ start: 4, end: 4 }]).slice(2, -1), ['   2 |     b', '   3 |     c', '   4 | >>> d', '   5 |     e', '   6 |     f']);
  assert.deepEqual(excerpt('F', text, [{ start: 3, end: 5 }]).slice(2, -1), ['   2 |     b', '   3 | >>> c', '   4 | >>> d', '   5 | >>> e', '   6 |     f']);
  assert.deepEqual(excerpt('F', text, []), []);
  assert.deepEqual(excerpt('F', text, [{ start: 9, end: 9 }]), []);
});

test('nearest() finds slips, not other words', () => {
  assert.deepEqual([nearest('COPZ', ['ADD', 'COPY']), nearest('copz', ['COPY']), nearest('copz', ['COPY'], { ignoreCase: true }), nearest('COPY', ['COPY', 'COPZ']), nearest('xyz', ['COPY'])], ['COPY', undefined, 'COPY', undefined, undefined]);
});

test('a DockerfileError has the way out where there is one', () => {
  const error = readDockerfile('FROM a b\n').failure;
  assert.ok(error instanceof DockerfileError && error.hint === 'Write FROM IMAGE, or FROM IMAGE AS NAME');
});
