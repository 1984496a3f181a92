import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../base/index.ts';
import { allow, hasProcess, isUp, type State, type Verb } from './state.ts';

const times = { startedAt: new Date(0), finishedAt: new Date(1) };
const ended = { ...times, exitCode: 3, oomKilled: false, error: '' };
const states: Readonly<Record<State['status'], State>> = {
  created: { status: 'created' }, running: { status: 'running', pid: 2, startedAt: new Date(0) }, paused: { status: 'paused', pid: 2, startedAt: new Date(0) },
  restarting: { status: 'restarting', ...ended }, exited: { status: 'exited', ...ended },
};

function allowing(verb: Verb): string[] {
  return Object.values(states).filter((state) => {
    try {
      return allow(verb, { id: 'x', name: 'n', state }) === state;
    } catch (error) {
      assert.ok(isFail(error));
      return false;
    }
  }).map(({ status }) => status);
}

test('allow() lets each verb pass in exactly the states in which dockerd does', () => {
  const expected: Readonly<Record<Verb, readonly string[]>> = {
    start: ['created', 'exited'], stop: ['running', 'paused', 'restarting'], kill: ['running', 'paused', 'restarting'], pause: ['running'], unpause: ['paused'],
    exec: ['running'], attach: ['created', 'running', 'exited'], resize: ['running', 'paused'], remove: ['created', 'exited'],
  };
  for (const [verb, names] of Object.entries(expected)) assert.deepEqual(allowing(verb as Verb), names, verb);
});

test('isUp() counts what Docker\'s clients call running, hasProcess() what has a pid', () => {
  assert.deepEqual(Object.values(states).filter(isUp).map(({ status }) => status), ['running', 'paused', 'restarting']);
  assert.deepEqual(Object.values(states).filter(hasProcess).map(({ status }) => status), ['running', 'paused']);
});
