import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ByteString } from '../../spec/tar/index.ts';
import type { SurveyedEntry } from '../../storage/index.ts';
import { nodesOf, stackLayers, type Stack } from './stack.ts';

const entry = (path: string, more: Partial<SurveyedEntry> = {}): SurveyedEntry => ({
  path: path as ByteString, kind: 'file', isOpaque: false, mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeMs: 0, target: undefined, ...more,
});
const file = (path: string, sizeBytes: number, more: Partial<SurveyedEntry> = {}): SurveyedEntry => entry(path, { sizeBytes, ...more });
const directory = (path: string, more: Partial<SurveyedEntry> = {}): SurveyedEntry => entry(path, { kind: 'directory', mode: 0o755, ...more });
const whiteout = (path: string): SurveyedEntry => entry(path, { kind: 'whiteout' });

const changes = ({ layers }: Stack, number: number): readonly string[] => layers[number - 1]!.files.map(({ change, path, hiddenBy }) => `${change} ${path}${hiddenBy === undefined ? '' : ` (${hiddenBy})`}`);
const visible = ({ root }: Stack): readonly string[] => [...nodesOf(root)].map(({ entry: { path }, layer }) => `${path} ${layer}`);
const wasted = ({ layers }: Stack): readonly number[] => layers.map(({ wastedBytes }) => wastedBytes);

test('stackLayers(): each layer adds, changes and removes; what is overwritten or removed is wasted in the layer that has it', () => {
  const stack = stackLayers([
    [directory('etc'), file('etc/a', 10), file('etc/b', 20)],
    [directory('etc'), file('etc/a', 11), whiteout('etc/b'), file('c', 5)],
    [whiteout('c')],
  ]);
  assert.deepEqual(changes(stack, 1), ['added /etc', 'added /etc/a (2)', 'added /etc/b (2)']);
  assert.deepEqual(changes(stack, 2), ['changed /etc/a', 'removed /etc/b', 'added /c (3)']);
  assert.deepEqual(changes(stack, 3), ['removed /c']);
  assert.deepEqual(visible(stack), ['etc 2', 'etc/a 2']);
  assert.deepEqual(wasted(stack), [30, 5, 0]);
  assert.deepEqual(stack.layers.map(({ sizeBytes }) => sizeBytes), [30, 16, 0]);
  assert.deepEqual(stack.hidden.get('etc/a' as ByteString), { bytes: 10, layers: [1, 2] });
});

test('stackLayers(): a directory that a layer only names is no change; one with another mode is', () => {
  const stack = stackLayers([[directory('a'), directory('b')], [directory('a', { mtimeMs: 5 }), directory('b', { mode: 0o700 })]]);
  assert.deepEqual(changes(stack, 2), ['changed /b']);
});

test('stackLayers(): what was removed counts with all that was in it', () => {
  const stack = stackLayers([[directory('d'), file('d/x', 3), directory('d/e'), file('d/e/y', 4)], [whiteout('d')]]);
  assert.deepEqual(stack.layers[1]!.files.map(({ path, sizeBytes, kind }) => [path, sizeBytes, kind]), [['/d', 7, 'directory']]);
  assert.deepEqual(visible(stack), []);
});

test('stackLayers(): an opaque directory hides what was in it, and its own entries stay', () => {
  const stack = stackLayers([[directory('d'), file('d/old', 3)], [directory('d', { isOpaque: true }), file('d/new', 1)]]);
  assert.deepEqual(changes(stack, 2), ['changed /d', 'removed /d/old', 'added /d/new']);
  assert.deepEqual(visible(stack), ['d 2', 'd/new 2']);
  assert.deepEqual(wasted(stack), [3, 0]);
});

test('stackLayers(): a file in the place of a directory, and a directory in the place of a file', () => {
  const stack = stackLayers([[directory('d'), file('d/x', 3), file('f', 2)], [file('d', 1), directory('f'), file('f/y', 4)]]);
  assert.deepEqual(visible(stack), ['d 2', 'f 2', 'f/y 2']);
  assert.deepEqual(wasted(stack), [5, 0]);
});

test('stackLayers(): a file of several names is wasted when the last of them is hidden', () => {
  const base = [file('a', 8), file('b', 0, { target: 'a' as ByteString })];
  assert.deepEqual(wasted(stackLayers([base, [whiteout('a')]])), [0, 0]);
  assert.deepEqual(wasted(stackLayers([base, [whiteout('a')], [whiteout('b')]])), [8, 0, 0]);
});

test('stackLayers(): whiteouts of what is not there and entries below what is no directory change nothing', () => {
  const stack = stackLayers([[file('f', 1)], [whiteout('nothing'), whiteout('f/x'), file('f/y', 3)]]);
  assert.deepEqual(changes(stack, 2), []);
  assert.deepEqual(visible(stack), ['f 1']);
});
