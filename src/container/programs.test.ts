import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newContainerId } from '../base/index.ts';
import { assemble, hostArchitecture, type Image } from '../kernel/index.ts';
import { Programs } from './programs.ts';

interface Input {
  readonly directory: string;
  readonly hostname: string;
  readonly word: string;
}

function plan({ directory, hostname, word }: Input): Image {
  return assemble([
    { call: 'chdir', args: [directory], why: directory },
    { call: 'sethostname', args: [hostname, hostname.length] },
    { call: 'execve', args: ['/x', { strings: [word, directory] }, { strings: [] }] },
  ], hostArchitecture());
}

const inputOf = (id: string, word = 'x'): Input => ({ directory: `/c/${id}/upper`, hostname: id.slice(0, 12), word });

test('Programs.get() gives a known shape the bytes that planning it again would give', () => {
  const programs = new Programs();
  let planned = 0;
  for (let i = 0; i < 5; i++) {
    const id = newContainerId();
    const image = programs.get(id, inputOf(id), () => (planned++, plan(inputOf(id))));
    const fresh = plan(inputOf(id));
    assert.deepEqual(Buffer.from(image.bytes), Buffer.from(fresh.bytes));
    assert.deepEqual([image.relocations, image.slots, image.spaces, image.opCount], [fresh.relocations, fresh.slots, fresh.spaces, fresh.opCount]);
  }
  assert.equal(planned, 1);
});

test('Programs.get() says the steps of a stamped program with its own id', () => {
  const programs = new Programs();
  const [first, second] = [newContainerId(), newContainerId()];
  programs.get(first, inputOf(first), () => plan(inputOf(first)));
  assert.equal(programs.get(second, inputOf(second), () => plan(inputOf(second))).ops[0]?.why, `/c/${second}/upper`);
});

test('Programs.get() plans what differs in more than the id, a control character for an id among it', () => {
  const programs = new Programs();
  const [first, second] = [newContainerId(), newContainerId()];
  programs.get(first, inputOf(first, first), () => plan(inputOf(first, first)));
  for (const word of ['y', '\u0001', '\u0002', first]) {
    const image = programs.get(second, inputOf(second, word), () => plan(inputOf(second, word)));
    assert.deepEqual(Buffer.from(image.bytes), Buffer.from(plan(inputOf(second, word)).bytes));
  }
});

test('Programs.get() keeps a stamp unchanged by whoever has got it, and forgets old shapes', () => {
  const programs = new Programs();
  let planned = 0;
  const get = (word: string): Image => {
    const id = newContainerId();
    return programs.get(id, inputOf(id, word), () => (planned++, plan(inputOf(id, word))));
  };
  get('a');
  get('a').bytes.fill(0);
  assert.notEqual(get('a').bytes.findIndex((byte) => byte !== 0), -1);
  for (let i = 0; i < 20; i++) get(`word-${i}`);
  get('a');
  assert.equal(planned, 22);
});
