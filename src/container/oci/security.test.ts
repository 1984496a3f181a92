import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostConfig } from '../../spec/docker/container.ts';
import { checkSecurityModules, hasNoNewPrivileges, hasWritableCgroups, seccompChoice, withLabels } from './security.ts';

const host = (more: Partial<HostConfig>): HostConfig => ({ SecurityOpt: null, Privileged: false, IpcMode: 'private', PidMode: '', ...more }) as HostConfig;

test('the last word of a kind counts', () => {
  assert.equal(hasNoNewPrivileges(['no-new-privileges']), true);
  assert.equal(hasNoNewPrivileges(['no-new-privileges:true', 'no-new-privileges=false']), false);
  assert.equal(hasNoNewPrivileges([]), false);
  assert.equal(seccompChoice(['seccomp=unconfined', 'seccomp=builtin'], false), 'builtin');
  assert.equal(seccompChoice([], true), 'unconfined');
  assert.equal(hasWritableCgroups(host({ SecurityOpt: ['writable-cgroups=true'] })), true);
  assert.equal(hasWritableCgroups(host({ Privileged: true })), true);
  assert.equal(hasWritableCgroups(host({ Privileged: true, SecurityOpt: ['writable-cgroups=false'] })), false);
});

test('checkSecurityModules() refuses a protection that would not be there', () => {
  const none = { appArmor: false, seLinux: false };
  for (const option of ['apparmor=mine', 'label=user:x', 'label:type:t']) assert.throws(() => checkSecurityModules(host({ SecurityOpt: [option] }), none), { kind: 'unsupported', message: /this kernel has no/ });
  assert.throws(() => checkSecurityModules(host({ SecurityOpt: ['apparmor=mine'] }), { ...none, appArmor: true }), { message: /AppArmor profiles are not applied yet/ });
  checkSecurityModules(host({ SecurityOpt: ['apparmor=unconfined', 'label=disable', 'seccomp=builtin'] }), none);
});

test('withLabels() takes labels away where the host is shared', () => {
  assert.deepEqual(withLabels(host({ IpcMode: 'host', SecurityOpt: ['seccomp=builtin'] })), ['seccomp=builtin', 'label=disable']);
  assert.deepEqual(withLabels(host({ Privileged: true })), ['label=disable']);
  assert.equal(withLabels(host({})), null);
});
