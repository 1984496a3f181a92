import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, newContainerId } from '../base/index.ts';
import type { ContainerRecord, Happening } from '../container/index.ts';
import { containerEvent, imageEvent } from './tell.ts';

const container = { id: newContainerId(), name: 'box', config: { Image: 'tool:1', Labels: { a: 'b', name: 'a label that would hide the name' } } } as unknown as ContainerRecord;
const about = { a: 'b', image: 'tool:1', name: 'box' };

test('containerEvent() has labels, image and name, and what belongs to the kind, in Docker\'s words', () => {
  const execId = 'e1';
  const cases: readonly (readonly [Happening, action: string, attributes: Readonly<Record<string, string>>])[] = [
    [{ kind: 'create', container }, 'create', {}],
    [{ kind: 'kill', container, signal: 15 }, 'kill', { signal: '15' }],
    [{ kind: 'die', container, exitCode: 137, ranMs: 2999 }, 'die', { exitCode: '137', execDuration: '2' }],
    [{ kind: 'rename', container, oldName: 'old' }, 'rename', { oldName: '/old' }],
    [{ kind: 'resize', container, rows: 24, columns: 80 }, 'resize', { height: '24', width: '80' }],
    [{ kind: 'health_status', container, health: 'healthy' }, 'health_status: healthy', {}],
    [{ kind: 'exec_create', container, execId, command: ['true'] }, 'exec_create: true ', { execID: 'e1' }],
    [{ kind: 'exec_start', container, execId, command: ['sh', '-c', 'exit 3'] }, 'exec_start: sh -c exit 3', { execID: 'e1' }],
    [{ kind: 'exec_die', container, execId, exitCode: 3 }, 'exec_die', { execID: 'e1', exitCode: '3' }],
  ];
  for (const [happening, action, attributes] of cases) {
    assert.deepEqual(containerEvent(happening), { type: 'container', action, id: container.id, attributes: { ...about, ...attributes } });
  }
});

test('containerEvent() of a prune is about no container', () => {
  assert.deepEqual(containerEvent({ kind: 'prune', reclaimedBytes: 12 }), { type: 'container', action: 'prune', id: '', attributes: { reclaimed: '12' } });
});

test('imageEvent() names the image, its labels beside', () => {
  const id = digestOf('x');
  assert.deepEqual(imageEvent({ kind: 'tag', id, name: 'a:1', labels: { l: '1' } }), { type: 'image', action: 'tag', id, attributes: { l: '1', name: 'a:1' } });
});
