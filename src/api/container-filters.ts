// Which containers `GET /containers/json` shows: only running ones unless asked otherwise, then the filters, then the limit.
import { fail, isFail } from '../base/index.ts';
import type { ContainerRecord, Engine, Image } from '../engine/index.ts';
import type { Filters, Query } from './query.ts';
import { statusOf } from './to-docker.ts';

const known = ['ancestor', 'before', 'exited', 'id', 'label', 'name', 'since', 'status'];
const notYet = ['expose', 'health', 'is-task', 'isolation', 'network', 'publish', 'task', 'volume'];
const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

type Test = (record: ContainerRecord) => boolean;

/** Newest first. @throws `invalid` for filters that are not there or make no sense. */
export function selectContainers(engine: Engine, query: Query): readonly ContainerRecord[] {
  const filters = query.filters(known, notYet);
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
    id: (values) => textTest(values, ({ id }) => [id]),
    label: labelTest,
    name: (values) => textTest(values, ({ name }) => [name, `/${name}`]),
    status: statusTest,
  };
  return [...filters].filter(([, values]) => values.length > 0).map(([name, values]) => make[name]!(values));
}

/** The values are regular expressions, any of which may match anywhere; one that is none matches only itself. */
function textTest(values: readonly string[], textsOf: (record: ContainerRecord) => readonly string[]): Test {
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
