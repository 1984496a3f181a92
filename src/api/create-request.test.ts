import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decode, isFail } from '../base/index.ts';
import { createRequest } from './create-request.ts';

const decoded = (body: object) => decode.decodeJson(JSON.stringify({ Image: 'tool', ...body }), createRequest);

/** What docker 28.2 sends for `docker run tool sh`. */
const zeroValues = {
  Hostname: '', Domainname: '', User: '', AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false, OpenStdin: false, StdinOnce: false, Env: null, Cmd: ['sh'],
  Volumes: {}, WorkingDir: '', Entrypoint: null, OnBuild: null, Labels: {},
  HostConfig: {
    Binds: null, ContainerIDFile: '', LogConfig: { Type: '', Config: {} }, NetworkMode: 'default', PortBindings: {}, RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, AutoRemove: false,
    VolumeDriver: '', VolumesFrom: null, ConsoleSize: [0, 0], CapAdd: null, CapDrop: null, CgroupnsMode: '', Dns: [], DnsOptions: [], DnsSearch: [], ExtraHosts: null, GroupAdd: null,
    IpcMode: '', Cgroup: '', Links: null, OomScoreAdj: 0, PidMode: '', Privileged: false, PublishAllPorts: false, ReadonlyRootfs: false, SecurityOpt: null, UTSMode: '', UsernsMode: '',
    ShmSize: 0, Isolation: '', CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: '', BlkioWeight: 0, BlkioWeightDevice: [], BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [], BlkioDeviceWriteIOps: [], CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, CpusetCpus: '', CpusetMems: '', Devices: [],
    DeviceCgroupRules: null, DeviceRequests: null, MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: -1, OomKillDisable: false, PidsLimit: 0, Ulimits: [], CpuCount: 0,
    CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0, MaskedPaths: null, ReadonlyPaths: null,
  },
  NetworkingConfig: { EndpointsConfig: { default: { IPAMConfig: null, Links: null, Aliases: null, DriverOpts: null, GwPriority: 0, NetworkID: '', IPAddress: '' } } },
};

test('createRequest() takes every zero value that the docker client sends, with dockerd\'s defaults and no warning', () => {
  const { request: { config, hostConfig }, warnings } = decoded(zeroValues);
  assert.deepEqual(warnings, []);
  assert.deepEqual([config.Env, config.Entrypoint, config.Volumes, config.Healthcheck], [[], null, null, undefined]);
  assert.deepEqual([hostConfig.ShmSize, hostConfig.NetworkMode, hostConfig.LogConfig.Type, hostConfig.RestartPolicy.Name, hostConfig.IpcMode, hostConfig.Runtime], [67108864, 'default', 'json-file', 'no', 'private', '']);
  assert.deepEqual([hostConfig.MemorySwappiness, hostConfig.PidsLimit, hostConfig.MaskedPaths], [null, null, null]);
});

test('createRequest() keeps what it is given', () => {
  const { request: { config, hostConfig }, warnings } = decoded({
    Cmd: 'one', Entrypoint: [], StopTimeout: 0, Healthcheck: { Test: ['NONE'] }, hostconfig: {
      NetworkMode: 'container:x', Memory: 1 << 26, MaskedPaths: [], CapDrop: 'ALL', LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      SecurityOpt: ['no-new-privileges', 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', 'seccomp:unconfined'], Ulimits: [{ Name: 'core', Soft: -1, Hard: -1 }], ConsoleSize: [24, 80],
    },
  });
  assert.deepEqual([config.Cmd, config.Entrypoint, config.StopTimeout, config.Healthcheck], [['one'], [], 0, { Test: ['NONE'] }]);
  assert.deepEqual([hostConfig.NetworkMode, hostConfig.MemorySwap, hostConfig.MaskedPaths, hostConfig.CapDrop, hostConfig.ConsoleSize], ['container:x', 1 << 27, [], ['ALL'], [24, 80]]);
  assert.deepEqual(warnings, []);
});

test('createRequest() reads ports and endpoints', () => {
  const { request: { hostConfig, endpoints } } = decoded({
    HostConfig: { NetworkMode: 'mine', PortBindings: { '80': [{ HostPort: '0' }], '80/TCP': [{ HostIp: '[::1]', HostPort: '8000-8010' }] } },
    NetworkingConfig: { EndpointsConfig: { mine: { Aliases: ['a'], IPAMConfig: { IPv4Address: '172.30.0.9' }, MacAddress: '02-42-AC-00-00-01', EndpointID: 'told back' }, other: null } },
  });
  assert.deepEqual(hostConfig.PortBindings, { '80/tcp': [{ HostIp: '', HostPort: '' }, { HostIp: '::1', HostPort: '8000-8010' }] });
  const nothing = { IPAMConfig: null, Links: [], Aliases: [], MacAddress: '', DriverOpts: {}, GwPriority: 0 };
  assert.deepEqual(endpoints, { mine: { ...nothing, Aliases: ['a'], IPAMConfig: { IPv4Address: '172.30.0.9', IPv6Address: '', LinkLocalIPs: [] }, MacAddress: '02:42:ac:00:00:01' }, other: nothing });
});

test('createRequest() refuses by name what is not there yet, and what makes no sense', () => {
  const host = (HostConfig: object) => ({ HostConfig });
  const cases: readonly (readonly [body: object, kind: 'invalid' | 'unsupported', message: RegExp])[] = [
    [host({ PortBindings: { '80/icmp': [{ HostPort: '80' }] } }), 'invalid', /^invalid port specification: "80\/icmp"$/],
    [host({ PortBindings: { '80/tcp': [{ HostPort: '90-80' }] } }), 'invalid', /^invalid port specification: "90-80"$/],
    [host({ PortBindings: { '80/tcp': [{ HostIp: '1.2.3' }] } }), 'invalid', /^invalid IP address: 1\.2\.3$/],
    [host({ PublishMode: 'proxy' }), 'invalid', /^invalid publish mode: proxy$/],
    [{ MacAddress: '02:42' }, 'invalid', /invalid MAC address/],
    [host({ binds: 'x:/b' }), 'invalid', /^HostConfig\.Binds: expected a list$/],
    [host({ Mounts: [{ Type: 'tmpfs', Target: 7 }] }), 'invalid', /^HostConfig\.Mounts\[0\]\.Target: expected a string$/],
    [host({ Mounts: [{ Type: 'bind', BindOptions: { NonRecursive: 1 } }] }), 'invalid', /^HostConfig\.Mounts\[0\]\.BindOptions\.NonRecursive: expected true or false$/],
    [host({ VolumesFrom: 'x' }), 'invalid', /^HostConfig\.VolumesFrom: expected a list$/],
    [{ Volumes: { '/data': 7 } }, 'invalid', /^Volumes\.\/data: expected an object$/],
    [host({ NetworkMode: 'container:' }), 'invalid', /invalid container format/],
    [{ NetworkingConfig: { EndpointsConfig: { mine: { GwPriority: 'x' } } } }, 'invalid', /EndpointsConfig\.mine\.GwPriority/],
    [host({ DeviceRequests: [{ Count: -1 }] }), 'unsupported', /DeviceRequests/],
    [host({ UsernsMode: 'auto' }), 'unsupported', /UsernsMode/],
    [host({ IpcMode: 'foo' }), 'invalid', /^invalid IPC mode: foo$/],
    [host({ SecurityOpt: ['foo'] }), 'invalid', /^invalid --security-opt 1: "foo"$/],
    [host({ SecurityOpt: ['no-new-privileges:maybe'] }), 'invalid', /^invalid --security-opt 2: "no-new-privileges:maybe"$/],
    [host({ IOMaximumIOps: 1 }), 'invalid', /QoS maximum IOPs/],
    [host({ SecurityOpt: ['seccomp={'] }), 'invalid', /invalid JSON/],
    [{ Image: '' }, 'invalid', /config cannot be empty/],
  ];
  for (const [body, kind, message] of cases) assert.throws(() => decoded(body), (error) => isFail(error, kind) && message.test(error.message), JSON.stringify(body));
});

test('createRequest() never throws anything but foreseen errors', () => {
  const keys = [...Object.keys(zeroValues), ...Object.keys(zeroValues.HostConfig), 'Image', 'Healthcheck', 'Test', 'Tmpfs', 'Sysctls'];
  const tree = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.constantFrom(null, 0, -1, 1.5, '', 'x', true, 2 ** 60), fc.array(tie('value'), { maxLength: 3 }), tie('object')),
    object: fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 6 }),
  }));
  fc.assert(fc.property(fc.oneof(tree.object, fc.record({ Image: fc.constant('x'), HostConfig: tree.object })), (body) => {
    try {
      decode.decodeJson(JSON.stringify(body), createRequest);
    } catch (error) {
      if (!isFail(error)) throw error;
    }
  }), { numRuns: 500 });
});
