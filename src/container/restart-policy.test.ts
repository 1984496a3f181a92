import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../base/index.ts';
import { checkRestartPolicy, restartDelayMs, restartsAfterExit, restartsAtDaemonStart } from './restart-policy.ts';
import type { State } from './state.ts';

const policy = (Name: string, MaximumRetryCount = 0) => ({ Name, MaximumRetryCount });
const end = { exitCode: 1, stopAsked: false, restartCount: 0 };
const exited = (stopAsked: boolean): State => ({ status: 'exited', exitCode: 0, startedAt: new Date(), finishedAt: new Date(), oomKilled: false, error: '', stopAsked });

test('restartsAfterExit() restarts on failure up to the count, always and unless-stopped at any end, nothing that was stopped', () => {
  assert.equal(restartsAfterExit(policy('no'), end), false);
  for (const name of ['always', 'unless-stopped']) {
    assert.equal(restartsAfterExit(policy(name), { ...end, exitCode: 0 }), true);
    assert.equal(restartsAfterExit(policy(name), { ...end, stopAsked: true }), false);
  }
  assert.equal(restartsAfterExit(policy('on-failure'), { ...end, restartCount: 1000 }), true);
  assert.equal(restartsAfterExit(policy('on-failure'), { ...end, exitCode: 0 }), false);
  assert.equal(restartsAfterExit(policy('on-failure', 2), { ...end, restartCount: 1 }), true);
  assert.equal(restartsAfterExit(policy('on-failure', 2), { ...end, restartCount: 2 }), false);
});

test('restartsAtDaemonStart() brings back always, unless-stopped if nobody stopped it, and what waited for its restart', () => {
  assert.equal(restartsAtDaemonStart(policy('always'), exited(true)), true);
  assert.equal(restartsAtDaemonStart(policy('unless-stopped'), exited(false)), true);
  assert.equal(restartsAtDaemonStart(policy('unless-stopped'), exited(true)), false);
  assert.equal(restartsAtDaemonStart(policy('on-failure'), exited(false)), false);
  assert.equal(restartsAtDaemonStart(policy('on-failure'), { ...exited(false), status: 'restarting' } as State), true);
  for (const state of [{ status: 'created' }, { status: 'running', pid: 2, startedAt: new Date() }] as const) assert.equal(restartsAtDaemonStart(policy('always'), state), false);
});

test('restartDelayMs() doubles from 100 ms to a minute, and begins anew after a run of ten seconds', () => {
  const delays: number[] = [];
  for (let previous: number | undefined; delays.length < 12; delays.push(previous)) previous = restartDelayMs(previous, 9999);
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  assert.equal(restartDelayMs(60_000, 10_000), 100);
});

test('checkRestartPolicy() refuses unknown names and counts where none belongs, in dockerd\'s words', () => {
  const refused = (name: string, count: number, text: RegExp) => assert.throws(() => checkRestartPolicy(policy(name, count)), (error) => isFail(error, 'invalid') && text.test(error.message));
  refused('bogus', 0, /^invalid restart policy: unknown policy 'bogus'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'$/);
  refused('always', 2, /^invalid restart policy: maximum retry count can only be used with 'on-failure'$/);
  refused('no', -1, /can only be used with 'on-failure' and cannot be negative$/);
  refused('on-failure', -1, /^invalid restart policy: maximum retry count cannot be negative$/);
  for (const [name, count] of [['no', 0], ['always', 0], ['unless-stopped', 0], ['on-failure', 0], ['on-failure', 7]] as const) checkRestartPolicy(policy(name, count));
});
