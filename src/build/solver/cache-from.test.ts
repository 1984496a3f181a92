// Images as a cache.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../../base/index.ts';
import { foundInImages } from './cache-from.ts';
import { emptyState, nextState } from './state.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const [one, two, other] = ['1', '2', '3'].map((digit) => `sha256:${digit.repeat(64)}` as Digest);
const created = '2020-01-01T00:00:00Z';
const image = { id: one!, layers: [one!, two!], config: { ...platform, rootfs: { type: 'layers' as const, diff_ids: [one!, two!] }, history: [{ created, created_by: 'a' }, { created, created_by: 'b', empty_layer: true }, { created, created_by: 'c' }] } };
const step = (state: ReturnType<typeof emptyState>, createdBy: string, layer: Digest | undefined) => nextState(state, 'k', { config: {}, layer, createdBy, created });

test('foundInImages() gives the next layer of an image that begins with the same layers and words', () => {
  const first = step(emptyState(platform), 'a', one);
  const second = step(first, 'b', undefined);
  assert.deepEqual(foundInImages([image], emptyState(platform), 'a'), { layer: one, created });
  assert.deepEqual(foundInImages([image], first, 'b'), { layer: undefined, created });
  assert.deepEqual(foundInImages([image], second, 'c'), { layer: two, created });
});

test('foundInImages() gives nothing for other words, other layers, or a history without layers', () => {
  assert.equal(foundInImages([], emptyState(platform), 'a'), undefined);
  assert.equal(foundInImages([image], emptyState(platform), 'b'), undefined);
  assert.equal(foundInImages([image], step(emptyState(platform), 'a', other), 'b'), undefined);
  assert.equal(foundInImages([image], step(emptyState(platform), 'x', one), 'b'), undefined);
  assert.equal(foundInImages([image], step(step(emptyState(platform), 'a', one), 'b', one), 'c'), undefined);
  assert.equal(foundInImages([{ ...image, layers: [] }], emptyState(platform), 'a'), undefined);
});
