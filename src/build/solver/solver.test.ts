// The parts of the solver that need no root: configuration, patterns, order of what is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfile, type Command } from '../../spec/dockerfile/index.ts';
import { InOrder, type BuildHappening } from './happening.ts';
import { metadataOf } from './metadata.ts';
import { asBase, emptyState, idOf, keyOf, nextState } from './state.ts';
import { matcherOf } from './wildcard.ts';

const commandsOf = (text: string): readonly Command[] => parseDockerfile(`FROM scratch\n${text}\n`).stages[0]!.commands;

test('metadataOf() changes only what the instruction is about; ENTRYPOINT drops the CMD of the base, not its own', () => {
  const apply = (text: string, config: object, hasOwnCommand: boolean) => metadataOf({ instruction: commandsOf(text)[0]!, shell: undefined, ports: ['80/tcp'] }, config, hasOwnCommand)!;
  assert.deepEqual(apply('ENV A=2 B=3', { Env: ['A=1', 'C=4'] }, false), { config: { Env: ['A=2', 'C=4', 'B=3'] }, words: 'ENV A=2 B=3' });
  assert.deepEqual(apply('ENTRYPOINT ["a"]', { Cmd: ['old'] }, false).config, { Entrypoint: ['a'] });
  assert.deepEqual(apply('ENTRYPOINT a', { Cmd: ['own'] }, true).config, { Cmd: ['own'], Entrypoint: ['/bin/sh', '-c', 'a'] });
  assert.equal(apply('HEALTHCHECK --interval=90s --timeout=500ms CMD x', {}, false).words, 'HEALTHCHECK &{[CMD-SHELL x] 1m30s 500ms 0s 0s 0}');
  assert.deepEqual(apply('EXPOSE 80', {}, false).config, { ExposedPorts: { '80/tcp': {} } });
  assert.equal(metadataOf({ instruction: commandsOf('RUN x')[0]!, shell: undefined, ports: [] }, {}, false), undefined);
});

test('matcherOf() matches as filepath.Match does, and refuses a bracket without end', () => {
  for (const [pattern, fitting, other] of [['*.txt', 'a.txt', 'a.txt2'], ['a?c', 'abc', 'ac'], ['[a-c]x', 'bx', 'dx'], ['[^a]x', 'bx', 'ax'], ['a\\*', 'a*', 'ab'], ['a.c', 'a.c', 'abc'], ['**', 'all', undefined]] as const) {
    assert.ok(matcherOf(pattern)(fitting), pattern);
    if (other !== undefined) assert.ok(!matcherOf(pattern)(other), pattern);
  }
  assert.throws(() => matcherOf('[a'), /syntax error in pattern/);
});

test('InOrder tells of the second stage when the first has ended, however they run', () => {
  const heard: BuildHappening[] = [];
  const order = new InOrder(2, (happening) => heard.push(happening));
  const [first, second] = [order.tellerOf(0), order.tellerOf(1)];
  second({ what: 'warning', text: '2' });
  first({ what: 'warning', text: '1' });
  order.end(1);
  assert.equal(heard.length, 1);
  order.end(0);
  assert.deepEqual(heard.map((one) => one.what === 'warning' && one.text), ['1', '2']);
});

test('a state has the same id for the same steps, another for another time; a base leaves its ONBUILD behind', () => {
  const step = (created: string) => nextState(emptyState({ os: 'linux', architecture: 'amd64' }), keyOf('x'), { config: { OnBuild: ['RUN x'] }, layer: undefined, createdBy: 'x', created });
  assert.equal(idOf(step('2026-01-01T00:00:00.000Z')), idOf(step('2026-01-01T00:00:00.000Z')));
  assert.notEqual(idOf(step('2026-01-01T00:00:00.000Z')), idOf(step('2026-01-02T00:00:00.000Z')));
  assert.deepEqual(asBase(step('2026-01-01T00:00:00.000Z')).config, {});
});
