import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostConfig } from '../../spec/docker/container.ts';
import { checkSysctls } from './sysctls.ts';

const check = (Sysctls: Record<string, string>, modes: Partial<HostConfig> = {}): void => checkSysctls({ NetworkMode: 'none', IpcMode: 'private', ...modes, Sysctls } as HostConfig);

test('checkSysctls() takes the parameters of the container\'s own namespaces', () => {
  check({ 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1', 'fs.mqueue.msg_max': '5', 'net.ipv6.conf.all.accept_ra': '0' });
});

for (const name of ['kernel.core_pattern', 'kernel.core_uses_pid', 'kernel.hostname', 'vm.overcommit_memory', 'fs.suid_dumpable', 'net/../kernel/core_pattern', 'net..x', 'net.', '', 'constructor']) {
  test(`checkSysctls() refuses ${JSON.stringify(name)}: it is the machine's`, () => assert.throws(() => check({ [name]: 'x' }), { kind: 'invalid' }));
}

test('checkSysctls() refuses those of a namespace that is shared with the host', () => {
  assert.throws(() => check({ 'net.ipv4.ip_forward': '1' }, { NetworkMode: 'host' }), { kind: 'invalid' });
  assert.throws(() => check({ 'kernel.sem': '1' }, { IpcMode: 'host' }), { kind: 'invalid' });
});
