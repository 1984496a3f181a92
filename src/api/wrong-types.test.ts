// JSON of the wrong type in the bodies of create, exec and update: refused with the field's name, whatever the field and whatever is there instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decode, isFail } from '../base/index.ts';
import { createRequest } from './create-request.ts';
import { execConfig, startOptions } from './execs.ts';
import { updateRequest } from './update.ts';

type Kind = 'text' | 'flag' | 'integer' | 'texts' | 'words' | 'list' | 'object';

const config: Readonly<Record<string, Kind>> = {
  Hostname: 'text', Domainname: 'text', User: 'text', AttachStdin: 'flag', AttachStdout: 'flag', AttachStderr: 'flag', Tty: 'flag', OpenStdin: 'flag', StdinOnce: 'flag', Env: 'texts', Cmd: 'words',
  Entrypoint: 'words', WorkingDir: 'text', Labels: 'object', StopSignal: 'text', StopTimeout: 'integer', Shell: 'texts', OnBuild: 'texts', ExposedPorts: 'object', NetworkDisabled: 'flag',
};
const host: Readonly<Record<string, Kind>> = {
  ContainerIDFile: 'text', Annotations: 'object', LogConfig: 'object', NetworkMode: 'text', RestartPolicy: 'object', AutoRemove: 'flag', CapAdd: 'words', CapDrop: 'words', CgroupnsMode: 'text', ConsoleSize: 'list',
  ExtraHosts: 'texts', GroupAdd: 'texts', IpcMode: 'text', PidMode: 'text', UTSMode: 'text', OomScoreAdj: 'integer', Privileged: 'flag', ReadonlyRootfs: 'flag', SecurityOpt: 'list', ShmSize: 'integer', Runtime: 'text',
  Isolation: 'text', StorageOpt: 'object', Sysctls: 'object', Tmpfs: 'object', CpuShares: 'integer', Memory: 'integer', NanoCpus: 'integer', CgroupParent: 'text', BlkioWeight: 'integer', BlkioWeightDevice: 'list',
  BlkioDeviceReadBps: 'list', BlkioDeviceWriteBps: 'list', BlkioDeviceReadIOps: 'list', BlkioDeviceWriteIOps: 'list', CpuPeriod: 'integer', CpuQuota: 'integer', CpuRealtimePeriod: 'integer', CpuRealtimeRuntime: 'integer',
  CpusetCpus: 'text', CpusetMems: 'text', Devices: 'list', DeviceCgroupRules: 'texts', MemoryReservation: 'integer', MemorySwap: 'integer', MemorySwappiness: 'integer', OomKillDisable: 'flag', PidsLimit: 'integer', Ulimits: 'list',
  Init: 'flag', MaskedPaths: 'texts', ReadonlyPaths: 'texts', CpuPercent: 'integer', IOMaximumIOps: 'integer', KernelMemory: 'integer',
};
const exec: Readonly<Record<string, Kind>> = { AttachStdin: 'flag', AttachStdout: 'flag', AttachStderr: 'flag', DetachKeys: 'text', Tty: 'flag', ConsoleSize: 'list', Env: 'texts', Cmd: 'words', Privileged: 'flag', User: 'text', WorkingDir: 'text' };
const start: Readonly<Record<string, Kind>> = { Detach: 'flag', Tty: 'flag', ConsoleSize: 'list' };

const update: Readonly<Record<string, Kind>> = {
  BlkioWeight: 'integer', CpuShares: 'integer', NanoCpus: 'integer', CpuPeriod: 'integer', CpuQuota: 'integer', CpuRealtimePeriod: 'integer', CpuRealtimeRuntime: 'integer', CpusetCpus: 'text',
  CpusetMems: 'text', Memory: 'integer', MemorySwap: 'integer', MemoryReservation: 'integer', PidsLimit: 'integer', RestartPolicy: 'object',
};

const something = fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null);

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string' || item === null);

const fits: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  flag: (value) => typeof value === 'boolean',
  integer: (value) => typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 63,
  texts: isTexts,
  words: (value) => isTexts(value) || typeof value === 'string',
  // What is in them is judged item by item, below.
  list: (value) => Array.isArray(value),
  object: (value) => typeof value === 'object' && !Array.isArray(value),
};

function refusesByName(fields: Readonly<Record<string, Kind>>, decoder: decode.Decode<unknown>, bodyOf: (field: object) => object): void {
  fc.assert(fc.property(fc.constantFrom(...Object.keys(fields)), something, (name, value) => {
    fc.pre(!fits[fields[name]!](value));
    assert.throws(() => decode.decodeJson(JSON.stringify(bodyOf({ [name]: value })), decoder), (error) => isFail(error, 'invalid') && error.message.includes(name), `${name}: ${JSON.stringify(value)}`);
  }), { numRuns: 1000 });
}

test('a create with a wrong type in Config is refused by the field\'s name', () => refusesByName(config, createRequest, (field) => ({ Image: 'x', ...field })));
test('a create with a wrong type in HostConfig is refused by the field\'s name', () => refusesByName(host, createRequest, (field) => ({ Image: 'x', HostConfig: field })));
test('an exec with a wrong type is refused by the field\'s name', () => refusesByName(exec, execConfig, (field) => field));
test('a start of an exec with a wrong type is refused by the field\'s name', () => refusesByName(start, startOptions, (field) => field));

test('an update with a wrong type is refused by the field\'s name', () => refusesByName(update, updateRequest, (field) => field));

test('what is inside lists and objects is refused by its place', () => {
  for (const [field, value, place] of [
    ['Ulimits', [{ Name: 'core', Soft: '1', Hard: 1 }], 'HostConfig.Ulimits[0].Soft'], ['Devices', ['x'], 'HostConfig.Devices[0]'], ['BlkioDeviceReadBps', [{ Path: 1 }], 'HostConfig.BlkioDeviceReadBps[0].Path'],
    ['LogConfig', { Type: 1 }, 'HostConfig.LogConfig.Type'], ['LogConfig', { Config: { tag: 1 } }, 'HostConfig.LogConfig.Config.tag'], ['Tmpfs', { '/x': 1 }, 'HostConfig.Tmpfs./x'], ['ConsoleSize', ['a'], 'HostConfig.ConsoleSize[0]'],
  ] as const) {
    assert.throws(() => decode.decodeJson(JSON.stringify({ Image: 'x', HostConfig: { [field]: value } }), createRequest), (error) => isFail(error, 'invalid') && error.message.startsWith(`${place}: expected `), place);
  }
});
