// Which containers `GET /containers/json` shows: only running ones unless asked otherwise, then the filters, then the limit.
import { fail, isFail } from '../base/index.ts';
import type { ContainerRecord, Engine, Image } from '../engine/index.ts';
import type { Filters, Query } from './query.ts';
import { toMountView } from './mounts-to-docker.ts';
import { statusOf } from './to-docker.ts';

/** `label!` is ours alone: dockerd takes it for pruning only. */
const known = ['ancestor', 'before', 'exited', 'expose', 'health', 'id', 'is-task', 'isolation', 'label', 'label!', 'name', 'network', 'publish', 'since', 'status', 'volume'];
const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

type Test = (record: ContainerRecord) => boolean;

/** Newest first. @throws `invalid` for filters that are not there or make no sense. */
export function selectContainers(engine: Engine, query: Query): readonly ContainerRecord[] {
  const filters = query.filters(known);
  const limit = query.integer('limit') ?? 0;
  const showsAll = query.flag('all') || limit > 0 || filters.has('status');
  const tests = testsOf(engine, filters);
  const selected = engine.containers.list().filter((record) => (showsAll || ['running', 'paused', 'restarting'].includes(record.state.status)) && tests.every((test) => test(record)));
  return limit > 0 ? selected.slice(0, limit) : selected;
}

function testsOf(engine: Engine, filters: Filters): readonly Test[] {
  const make: Readonly<Record<string, (values: readonly string[]) => Test>> = {
    ancestor: (values) => ancestorTest(engine, values),
    before: (values) => orderTest(engine, values, (record, other) => record.createdAt < other.createdAt),
    since: (values) => orderTest(engine, values, (record, other) => record.createdAt > other.createdAt),
    exited: exitCodeTest,
    expose: exposeTest,
    health: healthTest,
    'is-task': taskTest,
    isolation: () => () => true, // Linux has one kind: Docker shows all, whatever the value
    'label!': (values) => ({ config }) => !values.some((value) => hasLabels(config.Labels, [value])),
    network: (values) => networkTest(engine, values),
    publish: (values) => portTest(values, 'publish', hostPortsOf),
    volume: (values) => ({ mounts }) => mounts.map(toMountView).some(({ Name, Source, Destination }) => values.some((value) => value === Destination || value === (Name ?? Source))),
    id: (values) => textTest(values, ({ id }) => [id]),
    label: labelTest,
    name: (values) => textTest(values, ({ name }) => [name, `/${name}`]),
    status: statusTest,
  };
  return [...filters].filter(([, values]) => values.length > 0).map(([name, values]) => make[name]!(values));
}

/** The values are regular expressions, any of which may match anywhere; one that is none matches only itself. */
export function textTest<T = ContainerRecord>(values: readonly string[], textsOf: (record: T) => readonly string[]): (record: T) => boolean {
  const patterns = values.map(patternOf);
  return (record) => textsOf(record).some((text) => patterns.some((pattern, index) => text === values[index] || pattern?.test(text) === true));
}

function patternOf(source: string): RegExp | undefined {
  try {
    return new RegExp(source);
  } catch {
    return undefined; // not a regular expression: still a name
  }
}

/** `key` or `key=value`; all must hold. */
export function hasLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((text) => {
    const [key = '', ...value] = text.split('=');
    return Object.hasOwn(labels, key) && (value.length === 0 || labels[key] === value.join('='));
  });
}

function labelTest(values: readonly string[]): Test {
  return ({ config }) => hasLabels(config.Labels, values);
}

function statusTest(values: readonly string[]): Test {
  for (const value of values) {
    if (statuses.includes(value)) continue;
    const shown = value.slice(0, 100);
    throw fail('invalid', `invalid filter 'status=${shown}': invalid value for state (${shown}): must be one of ${statuses.join(', ')}`);
  }
  return ({ state }) => values.includes(statusOf(state));
}

const healths = ['none', 'starting', 'healthy', 'unhealthy'];

function healthTest(values: readonly string[]): Test {
  for (const value of values) {
    if (healths.includes(value)) continue;
    const shown = value.slice(0, 100);
    throw fail('invalid', `invalid filter 'health=${shown}': invalid value for health (${shown}): must be one of ${healths.join(', ')}`);
  }
  return ({ health }) => values.includes(health?.status ?? 'none');
}

/** Tasks are of swarms: there are none. */
function taskTest(values: readonly string[]): Test {
  const wanted = values.map((value) => {
    const text = value.toLowerCase();
    if (['1', 't', 'true'].includes(text)) return true;
    if (['0', 'f', 'false'].includes(text)) return false;
    throw fail('invalid', `invalid filter 'is-task=[${value.slice(0, 100)}]'`, { hint: 'Give true or false' });
  });
  return () => wanted.includes(false);
}

/** By the names or ids of networks that it is in, or would be in. */
function networkTest(engine: Engine, values: readonly string[]): Test {
  const named = engine.networks.list().filter(({ name, id }) => values.some((value) => value === name || (value !== '' && id.startsWith(value)))).map(({ name }) => name);
  const wanted = new Set([...values, ...named]);
  return ({ connections }) => connections.some(({ network }) => wanted.has(network));
}

/** Ports of the host: those that were asked for, and those that were chosen. */
function hostPortsOf({ hostConfig, state }: ContainerRecord): readonly string[] {
  const asked = Object.entries(hostConfig.PortBindings).flatMap(([port, places]) => places.map(({ HostPort }) => `${HostPort}/${port.split('/')[1] ?? 'tcp'}`));
  const open = 'pid' in state ? state.membership?.ports ?? [] : [];
  return [...asked, ...open.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`)];
}

function exposeTest(values: readonly string[]): Test {
  return portTest(values, 'expose', ({ config }) => Object.keys(config.ExposedPorts ?? {}));
}

/** `80`, `80/udp` or `8000-8010/tcp`: any of the ports that `portsOf` names (`80/tcp`). */
function portTest(values: readonly string[], name: string, portsOf: (record: ContainerRecord) => readonly string[]): Test {
  const wanted = new Set(values.flatMap((value) => portsIn(value, name)));
  return (record) => portsOf(record).some((port) => wanted.has(port));
}

function portsIn(value: string, name: string): readonly string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-z]+))?$/.exec(value.toLowerCase());
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || last > 65_535 || first > last) throw fail('invalid', `invalid filter '${name}=${value.slice(0, 100)}': not a port or a range of ports`, { hint: 'Write 80, 80/udp or 8000-8010/tcp' });
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${match[3] ?? 'tcp'}`);
}

function exitCodeTest(values: readonly string[]): Test {
  const codes = values.map((value) => {
    if (!/^-?\d{1,10}$/.test(value)) throw fail('invalid', `invalid filter 'exited=${value.slice(0, 100)}': expected an exit code`);
    return Number(value);
  });
  return ({ state }) => state.status === 'exited' && state.startedAt !== undefined && codes.includes(state.exitCode);
}

/** Containers of one of the images, or of an image that is built on one of them. Images that are not there have no containers. */
function ancestorTest(engine: Engine, values: readonly string[]): Test {
  const ancestors = values.map((value) => findImage(engine, value)).filter((image) => image !== undefined);
  return ({ imageId, layers }) => ancestors.some((image) => image.id === imageId
    || (image.layers.length > 0 && image.layers.length < layers.length && image.layers.every((layer, index) => layer === layers[index])));
}

/** Undefined when there is no such image, or `name` cannot name one. */
export function findImage(engine: Engine, name: string): Image | undefined {
  try {
    return engine.images.get(name);
  } catch (error) {
    if (isFail(error, 'not_found') || isFail(error, 'invalid')) return undefined;
    throw error;
  }
}

function orderTest(engine: Engine, values: readonly string[], isInOrder: (record: ContainerRecord, other: ContainerRecord) => boolean): Test {
  const others = values.map((value) => engine.containers.get(value));
  return (record) => others.every((other) => isInOrder(record, other));
}
