// No field of the specification is read and forgotten: each changes what is done, or is refused by its name. What is done is, where it is pure, the
// plan, the limits, the filter; the rest was seen live by an end-to-end test, which must be there.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFail } from '../base/index.ts';
import { devicePolicy } from '../kernel/cgroup/devices.ts';
import { limitsVersion1, limitsVersion2 } from '../kernel/cgroup/limit.ts';
import { compileSeccomp, seccompFlags } from '../kernel/index.ts';
import { planCreate, planEnter, rlimitArguments } from '../runtime/index.ts';
import { decodeSpec } from '../spec/oci/runtime-config.ts';
import { leavesOf, replaced, whole, written, type Path } from '../spec/oci/whole-config.fixture.ts';
import { cgroupPathOf } from './cgroup.ts';

/** Refused, whatever they say. */
const refused: Readonly<Record<string, unknown>> = {
  'linux.intelRdt.closID': 'a', 'linux.intelRdt.enableMonitoring': true, 'linux.intelRdt.l3CacheSchema': 'L3:0=f', 'linux.intelRdt.memBwSchema': 'MB:0=20', 'linux.intelRdt.schemata[]': ['L3:0=f'],
  'linux.memoryPolicy.flags[]': ['MPOL_F_STATIC_NODES'], 'linux.memoryPolicy.mode': 'MPOL_BIND', 'linux.memoryPolicy.nodes': '0', 'linux.netDevices.*.name': 'eth1',
  'linux.personality.flags[]': ['x'], 'linux.resources.memory.checkBeforeUpdate': true, 'linux.resources.memory.useHierarchy': false,
};

/** Done by the launcher, with the kernel: the end-to-end test that has seen it. */
const seenLive: readonly (readonly [pattern: RegExp, test: string])[] = [
  [/^(ociVersion|annotations\.\*)$/, 'state tells the version and the annotations of the configuration'],
  [/^root\.path$/, 'a configuration with ${what} is refused, naming the field'],
  [/^hooks\.(prestart|createRuntime|poststart|poststop)\[\]\.(path|args\[\]|env\[\])$/, 'hooks run in their phases, in order, and are told the state'],
  [/^hooks\.(prestart|createRuntime|poststart|poststop)\[\]\.timeout$/, 'a hook of the host that takes longer than its time is killed'],
  [/^linux\.[ug]idMappings\[\]/, 'a user namespace: root inside is somebody without power outside'],
  [/^mounts\[\]\.[ug]idMappings\[\]/, 'mounts: a bind with mapped ids shows the host\\\'s files as others\\\''],
  [/^process\.oomScoreAdj$/, 'rights: capabilities, no new privileges, limits, the OOM score, groups and umask are as configured'],
  [/^linux\.seccomp\.listener(Path|Metadata)$/, 'seccomp: an agent is handed the listener, answers for the program, and is told the metadata'],
];

/** Of other systems, which the specification tells to ignore here: words for Windows' CreateProcess and its user. */
const ofOthers = ['process.commandLine', 'process.user.username'];
/** Sections of other systems. */
const sections = ['freebsd', 'solaris', 'vm', 'windows', 'zos'];

/** What a text is changed into, where not any other would do. Numbers are one more, truths the contrary. */
const others: Readonly<Record<string, unknown>> = {
  'hooks.createContainer[].path': '/other', 'hooks.startContainer[].path': '/other', 'linux.devices[].path': '/dev/other', 'linux.devices[].type': 'b', 'linux.maskedPaths[]': '/other', 'linux.readonlyPaths[]': '/other',
  'linux.namespaces[].type': 'time', 'linux.namespaces[].path': '/other', 'linux.personality.domain': 'LINUX32', 'linux.resources.cpu.cpus': '1', 'linux.resources.cpu.mems': '1', 'linux.resources.devices[].access': 'r', 'linux.resources.devices[].type': 'b',
  'linux.resources.hugepageLimits[].pageSize': '1GB', 'linux.rootfsPropagation': 'slave', 'linux.seccomp.architectures[]': 'SCMP_ARCH_X86', 'linux.seccomp.defaultAction': 'SCMP_ACT_ALLOW', 'linux.seccomp.flags[]': 'SECCOMP_FILTER_FLAG_TSYNC',
  'linux.seccomp.syscalls[].action': 'SCMP_ACT_KILL', 'linux.seccomp.syscalls[].args[].op': 'SCMP_CMP_NE', 'linux.seccomp.syscalls[].names[]': 'write', 'linux.cgroupsPath': '/other',
  'mounts[].destination': '/other', 'mounts[].source': '/other', 'mounts[].type': 'ramfs', 'mounts[].options[]': 'nosuid',
  'process.capabilities.ambient[]': 'CAP_CHOWN', 'process.capabilities.bounding[]': 'CAP_CHOWN', 'process.capabilities.effective[]': 'CAP_CHOWN', 'process.capabilities.inheritable[]': 'CAP_CHOWN', 'process.capabilities.permitted[]': 'CAP_CHOWN',
  'process.cwd': '/other', 'process.execCPUAffinity.initial': '2', 'process.execCPUAffinity.final': '2', 'process.ioPriority.class': 'IOPRIO_CLASS_IDLE', 'process.rlimits[].type': 'RLIMIT_CPU', 'process.scheduler.flags[]': 'SCHED_FLAG_RECLAIM', 'process.scheduler.policy': 'SCHED_FIFO',
};

/** All that can be asked for together and is done. */
const { intelRdt: _rdt, ...linux } = whole.linux;
const { kernel: _kernel, checkBeforeUpdate: _check, useHierarchy: _hierarchy, ...memory } = linux.resources.memory;
const base = {
  ...whole,
  mounts: [...whole.mounts, { destination: '/plain', type: 'bind', source: '/y', options: ['rbind'] }, { destination: '/mem', type: 'tmpfs', source: 's', options: ['ro'] }],
  linux: {
    ...linux, sysctl: { 'net.x': '1' }, personality: { domain: 'LINUX' },
    namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'user' }, { type: 'uts' }, { type: 'time' }, { type: 'ipc' }, { type: 'network' }, { type: 'cgroup', path: '/n' }],
    seccomp: { ...linux.seccomp, defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [{ index: 0, value: 7, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }] }] },
    resources: { ...linux.resources, memory, devices: [{ allow: false, access: 'rwm' }, ...linux.resources.devices] },
  },
};

/** A namespace more or less is another configuration: then what belongs to it must not be missed. */
const setting = { root: { kind: 'directory', path: '/b', mountPoint: '/' }, waits: true, preservedDescriptors: 0, securityModules: { apparmor: true, selinux: true } } as const;

/** With the user namespace and without: there the launcher makes device nodes, here it lends the host's. */
function doneWith(config: unknown): string {
  const { linux: { namespaces, uidMappings: _uids, gidMappings: _gids, ...rest } } = config as typeof base;
  return doneOnce(config) + doneOnce({ ...(config as object), linux: { ...rest, namespaces: namespaces.filter(({ type }) => type !== 'user') } });
}

function doneOnce(config: unknown): string {
  const spec = decodeSpec(JSON.stringify(config));
  const { process, linux: { resources = {}, seccomp, cgroupsPath } } = spec;
  const { unified, ...asked } = resources;
  return inText([
    planCreate(spec, setting), planEnter(process, { namespaces: 0, preservedDescriptors: 0, securityModules: setting.securityModules }), process.rlimits?.map(rlimitArguments), cgroupPathOf(cgroupsPath, 'x', false),
    limitsVersion1(asked), unified === undefined ? [] : limitsVersion2({ unified }), devicePolicy(resources.devices ?? []), seccomp === undefined ? [] : [compileSeccomp(seccomp, 'x64'), seccompFlags(seccomp)],
  ]);
}

function inText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (ArrayBuffer.isView(item) ? Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('hex') : typeof item === 'bigint' ? `${item}n` : item));
}

/** `mounts[0].options[1]` → `mounts[].options[]`; keys of dictionaries are `*`. */
function fieldOf(path: Path): string {
  return written(path).replaceAll(/\[\d+\]/g, '[]').replace(/^(annotations|linux\.sysctl|linux\.resources\.unified|linux\.resources\.rdma|linux\.netDevices)\.(net\.x|memory\.high|[^.]+)/, '$1.*');
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string | number, unknown>)[key], value);
}

function otherThan(value: unknown, field: string): unknown {
  if (field in others) return others[field];
  return typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : `${String(value)}1`;
}

const fields = Map.groupBy(leavesOf(base), fieldOf);

test('every field of a configuration changes what is done', () => {
  const before = doneWith(base);
  const forgotten = [...fields].filter(([field, paths]) => !seenLive.some(([pattern]) => pattern.test(field)) && !paths.some((path) => doneOrRefused(path, field) !== before)).map(([field]) => field);
  assert.deepEqual(forgotten, []);
});

/** A change may also be refused, if it is for what it says. */
function doneOrRefused(path: Path, field: string): string {
  try {
    return doneWith(replaced(base, path, otherThan(valueAt(base, path), field)));
  } catch (error) {
    assert.ok(isFail(error, 'invalid') || isFail(error, 'unsupported'), `${field}: ${String(error)}`);
    return error.message;
  }
}

for (const [field, value] of Object.entries(refused)) {
  test(`${field} is refused by name`, () => {
    const config = withField(base, field.replace('.*', '.eth0').replace('[]', '').split('.'), value);
    const section = field.split('.').slice(0, field.startsWith('linux.resources') ? 4 : field.startsWith('linux.personality') ? 3 : 2).join('.').replace('[]', '');
    assert.throws(() => doneWith(config), (error) => isFail(error, 'unsupported') && error.message.startsWith(`${section}: `), field);
  });
}

test('linux.resources.memory.kernel is refused in words', () => {
  assert.throws(() => doneWith(withField(base, ['linux', 'resources', 'memory', 'kernel'], 1)), (error) => isFail(error, 'unsupported') && error.message.includes('kernel memory'));
});

for (const section of sections) {
  test(`a section for ${section} is refused by name`, () => {
    assert.throws(() => doneWith({ ...base, [section]: { x: 1 } }), (error) => isFail(error, 'unsupported') && error.message.startsWith(`${section}: `));
  });
}

test('what the plan does not show was seen live', () => {
  const tests = globSync(`${import.meta.dirname}/../../test/e2e/bundles*.test.ts`).map((path) => readFileSync(path, 'utf8')).join('\n');
  for (const [, title] of seenLive) assert.ok(tests.includes(title), title);
});

const schemaDir = process.env['ESTIVA_OCI_SCHEMAS'] ?? 'test/schemas/oci-runtime-spec';

test('these are all fields of the specification', { skip: existsSync(`${schemaDir}/config-schema.json`) ? false : 'ESTIVA_OCI_SCHEMAS names no directory with the schemas' }, () => {
  const known = new Set([...fields.keys(), ...Object.keys(refused), ...ofOthers, ...sections, 'linux.resources.memory.kernel']);
  const named = new Set(propertiesOf('config-schema.json', '', ''));
  assert.deepEqual([...named].filter((field) => !known.has(field)), []);
  assert.deepEqual([...known].filter((field) => !named.has(field)), []);
});

interface Schema {
  readonly $ref?: string; readonly properties?: Readonly<Record<string, Schema>>; readonly items?: Schema; readonly allOf?: readonly Schema[]; readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean; readonly patternProperties?: Readonly<Record<string, Schema>>;
}

function propertiesOf(file: string, pointer: string, at: string): readonly string[] {
  const document = JSON.parse(readFileSync(`${schemaDir}/${file}`, 'utf8')) as unknown;
  return leavesBelow(pointer.split('/').slice(1).reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document) as Schema, file, at);
}

function leavesBelow(schema: Schema, file: string, at: string): readonly string[] {
  if (schema.$ref !== undefined) {
    const [name = '', pointer = ''] = schema.$ref.split('#');
    return sections.some((section) => name.includes(`config-${section}`)) ? [at] : propertiesOf(name === '' ? file : name, pointer, at);
  }
  const below = [
    ...[...schema.allOf ?? [], ...schema.anyOf ?? []].flatMap((each) => leavesBelow(each, file, at)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => leavesBelow(each, file, at === '' ? name : `${at}.${name}`)),
    ...(schema.items === undefined ? [] : leavesBelow(schema.items, file, `${at}[]`)),
    ...[...Object.values(schema.patternProperties ?? {}), ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [])].flatMap((each) => leavesBelow(each, file, `${at}.*`)),
  ];
  return below.length === 0 ? [at] : below;
}

function withField(value: unknown, [first, ...rest]: readonly string[], given: unknown): unknown {
  if (first === undefined) return given;
  const object = (value ?? {}) as Record<string, unknown>;
  return { ...object, [first]: withField(object[first], rest, given) };
}
