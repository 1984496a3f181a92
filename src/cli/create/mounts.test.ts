// The fixture is what Docker's client 28.2 did with these flags in the directory /CWD/sub.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Complaint, UsageError } from '../errors.ts';
import { FlagError } from '../flags.ts';
import { parseArguments } from '../parse.ts';
import { createFlags, createLater } from './flags.ts';
import { mountOption, mountsOf } from './mounts.ts';

interface Recorded {
  readonly args: readonly string[];
  readonly body?: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

const recorded = JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/docker-mounts.json`, 'utf8')) as readonly Recorded[];

function bodyOf(args: readonly string[]): Record<string, unknown> {
  const { values } = parseArguments([...args, 'img'], { flags: createFlags, later: createLater, stopsAtOperand: true });
  const { volumes, host } = mountsOf(values, '/CWD/sub');
  const tmpfs = Object.fromEntries(values.tmpfs.map((text) => { const [path = '', options = ''] = text.split(':'); return [path, options]; }));
  return { Volumes: volumes, ...host, Tmpfs: tmpfs };
}

/** Docker's client sends what is empty for some fields and leaves it away for others; a source of --mount is from the directory of this process. */
function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.replace(process.cwd(), '/CWD/sub') : value;
  const fields = Object.entries(value).map(([key, item]) => [key, compact(item)] as const).filter(([, item]) => item !== false && item !== '' && item !== null && item !== undefined && !(typeof item === 'object' && Object.keys(item).length === 0));
  return Object.fromEntries(fields);
}

test('-v and --mount are sent as Docker\'s client sends them', () => {
  const sent = recorded.filter(({ body }) => body !== undefined);
  assert.ok(sent.length > 25);
  for (const { args, body } of sent) assert.deepEqual(compact(bodyOf(args)), keepsPlaces(args, compact(body)), args.join(' '));
});

/** A place alone has nothing to say for itself, which is not the same as nothing. */
function keepsPlaces(args: readonly string[], body: unknown): unknown {
  if (args[0] === '-v' && typeof body === 'object') assert.deepEqual(Object.keys(bodyOf(args).Volumes as object).length, args.filter((word) => word !== '-v' && !word.includes(':')).length);
  return body;
}

test('-v and --mount are refused in the words of Docker\'s client', () => {
  const refused = recorded.filter(({ message }) => message !== undefined);
  assert.ok(refused.length > 20);
  for (const { args, message = '' } of refused) {
    assert.throws(() => bodyOf(args), (error: unknown) => {
      assert.ok(error instanceof UsageError || error instanceof FlagError || error instanceof Complaint, String(error));
      assert.ok(message.includes(error.message) || error.message.includes(message.replace(/^docker: /, '')), `${message} ≠ ${error.message}`);
      return true;
    }, args.join(' '));
  }
});

test('Podman\'s words: idmap, chown and overlay; a newer Docker\'s: bind-create-src', () => {
  assert.deepEqual(mountOption('type=bind,src=/a,dst=/b,idmap=uids=0-1-2;gids=0-1-2,U=true'), { Type: 'bind', Source: '/a', Target: '/b', IdMap: 'uids=0-1-2;gids=0-1-2', Chown: true });
  assert.deepEqual(mountOption('type=bind,src=/a,dst=/b,O,bind-create-src'), { Type: 'bind', Source: '/a', Target: '/b', Overlay: true, BindOptions: { CreateMountpoint: true } });
  assert.throws(() => mountOption('type=bind,src=/a,dst=/b,idmap'), /idmap needs a map/);
});
