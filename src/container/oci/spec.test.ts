import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noReference, SchemaDirectory } from '../../../test/schemas/reference.ts';
import { createRequest } from '../../api/create-request.ts';
import { defaultSpec } from '../../bundle/default-spec.ts';
import type { ContainerRecord } from '../container.ts';
import { blockIoOf } from './block-io.ts';
import { chooseDevices } from './devices.ts';
import { specOf } from './spec.ts';

/** As many settings as there are parts of the configuration that they end in. */
const bodies: Readonly<Record<string, object>> = {
  'nothing asked': { Image: 'x', Cmd: ['true'] },
  'identity and process': { Image: 'x', Cmd: ['sh'], Tty: true, Hostname: 'h', Domainname: 'd', Env: ['A=b'], WorkingDir: '/w', HostConfig: { ReadonlyRootfs: true, Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }], OomScoreAdj: 5, Sysctls: { 'kernel.msgmax': '1' }, SecurityOpt: ['no-new-privileges'], Init: true } },
  'limits': { Image: 'x', Cmd: ['sh'], HostConfig: { Memory: 1 << 26, MemorySwap: -1, MemoryReservation: 1 << 25, MemorySwappiness: 0, CpuShares: 2, CpuPeriod: 1000, CpuQuota: 1000, CpusetCpus: '0', CpusetMems: '0', PidsLimit: 5, BlkioWeight: 10, OomKillDisable: true } },
  'mounts and devices': { Image: 'x', Cmd: ['sh'], HostConfig: { Tmpfs: { '/t': 'size=1m' }, ShmSize: 1 << 20, Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/mine', CgroupPermissions: 'rw' }], DeviceCgroupRules: ['c 1:* rwm'], MaskedPaths: ['/m'], ReadonlyPaths: ['/r'] } },
  'everything allowed': { Image: 'x', Cmd: ['sh'], HostConfig: { Privileged: true, PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host', NetworkMode: 'host' } },
};

for (const [name, body] of Object.entries(bodies)) {
  test(`specOf() writes a configuration that the OCI's schema takes: ${name}`, { skip: noReference }, () => {
    const { config, hostConfig } = createRequest(body, '').request;
    const record = { id: 'a'.repeat(64), config, hostConfig } as unknown as ContainerRecord;
    const spec = specOf(record, {
      user: { uid: 1000, gid: 50, additionalGids: [10], home: '/' }, capabilities: ['CAP_KILL'], filesDir: '/c', linked: [], rootDir: '/r', cgroupsPath: '/estiva/a', mounts: [], joined: {}, blockIo: blockIoOf(hostConfig),
      devices: chooseDevices({ privileged: hostConfig.Privileged, mappings: hostConfig.Devices, rules: hostConfig.DeviceCgroupRules ?? [] }),
    });
    const written: unknown = JSON.parse(JSON.stringify(spec));
    const schemas = new SchemaDirectory('oci-runtime-spec');
    assert.deepEqual(schemas.violations('config-schema.json', written), []);
    assert.notDeepEqual(schemas.violations('config-schema.json', { ...written as object, ociVersion: undefined, root: { path: 5 } }), []);
  });
}

test('estiva-runtime spec writes a configuration that the OCI\'s schema takes', { skip: noReference }, () => {
  const schemas = new SchemaDirectory('oci-runtime-spec');
  for (const rootless of [false, true]) assert.deepEqual(schemas.violations('config-schema.json', JSON.parse(JSON.stringify(defaultSpec(rootless)))), []);
});
