import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { State } from '../engine/index.ts';
import { statusInWords, statusOf, toState } from './to-docker.ts';

const now = new Date('2026-01-01T12:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const running: State = { status: 'running', pid: 7, startedAt: ago(300) };
const exited: State = { status: 'exited', exitCode: 3, startedAt: ago(20_000), finishedAt: ago(3 * 3600), oomKilled: true, error: '' };
const neverStarted: State = { ...exited, exitCode: 127, startedAt: undefined, oomKilled: false, error: 'exec: "x"' };

test('statusInWords() says what docker ps shows', () => {
  assert.deepEqual([statusInWords({ state: { status: 'created' } }, now), ...[running, exited, neverStarted].map((state) => statusInWords({ state }, now))], ['Created', 'Up 5 minutes', 'Exited (3) 3 hours ago', 'Created']);
  const health = (status: 'starting' | 'healthy') => ({ status, failingStreak: 0, log: [] });
  assert.deepEqual((['starting', 'healthy'] as const).map((status) => statusInWords({ state: running, health: health(status) }, now)), ['Up 5 minutes (health: starting)', 'Up 5 minutes (healthy)']);
  assert.equal(statusInWords({ state: { ...running, status: 'paused' }, health: health('healthy') }, now), 'Up 5 minutes (Paused)');
  assert.equal(statusInWords({ state: { ...exited, status: 'restarting' } }, now), 'Restarting (3) 3 hours ago');
});

test('toState() derives Docker\'s booleans, and zero times for what has not been', () => {
  const zero = '0001-01-01T00:00:00Z';
  assert.deepEqual(toState({ state: running }), { Status: 'running', Running: true, Paused: false, Restarting: false, OOMKilled: false, Dead: false, Pid: 7, ExitCode: 0, Error: '', StartedAt: '2026-01-01T11:55:00.000Z', FinishedAt: zero });
  const ended = toState({ state: exited });
  assert.deepEqual([ended.Status, ended.Running, ended.OOMKilled, ended.Pid, ended.ExitCode, ended.FinishedAt], ['exited', false, true, 0, 3, '2026-01-01T09:00:00.000Z']);
});

test('a failed start leaves a container that looks created, with its exit code and error', () => {
  const state = toState({ state: neverStarted });
  assert.equal(statusOf(neverStarted), 'created');
  assert.deepEqual([state.ExitCode, state.Error, state.StartedAt, state.FinishedAt], [127, 'exec: "x"', '0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z']);
});
