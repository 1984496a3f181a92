// Which networks `GET /networks` shows. Values of one filter are alternatives, filters are all required.
import { fail } from '../base/index.ts';
import type { Engine, NetworkRecord } from '../engine/index.ts';
import { hasLabels, textTest } from './container-filters.ts';
import type { Query } from './query.ts';

type Test = (network: NetworkRecord) => boolean;

const known = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'];
const predefined = ['bridge', 'host', 'none'];

/** By name. @throws `invalid` for filters that are not there or make no sense */
export function selectNetworks(engine: Engine, query: Query): readonly NetworkRecord[] {
  const make: Readonly<Record<string, (values: readonly string[]) => Test>> = {
    dangling: (values) => danglingTest(engine, values),
    driver: (values) => ({ driver }) => values.includes(driver),
    id: (values) => textTest<NetworkRecord>(values, ({ id }) => [id]),
    label: (values) => ({ labels }) => hasLabels(labels, values),
    name: (values) => textTest<NetworkRecord>(values, ({ name }) => [name]),
    scope: (values) => () => values.includes('local'),
    type: typeTest,
  };
  const tests = [...query.filters(known)].filter(([, values]) => values.length > 0).map(([name, values]) => make[name]!(values));
  return engine.networks.list().filter((network) => tests.every((test) => test(network)));
}

/** Whether a container, running or not, is of that network. */
export function isNeeded({ containers }: Engine, { name, id }: NetworkRecord): boolean {
  return containers.list().some(({ connections }) => connections.some(({ network }) => network === name || network === id));
}

function danglingTest(engine: Engine, values: readonly string[]): Test {
  const truth = values.map((value) => ['1', 'true'].includes(value) || (['0', 'false'].includes(value) ? false : undefined));
  if (truth.includes(undefined)) throw fail('invalid', 'invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")');
  const isDangling: Test = (network) => !predefined.includes(network.name) && engine.networks.members(network.id).length === 0 && !isNeeded(engine, network);
  return (network) => truth.includes(isDangling(network));
}

function typeTest(values: readonly string[]): Test {
  const unknown = values.find((value) => value !== 'custom' && value !== 'builtin');
  if (unknown !== undefined) throw fail('invalid', `invalid filter: 'type'='${unknown.slice(0, 100)}'`, { hint: 'Use custom or builtin' });
  return ({ name }) => values.includes(predefined.includes(name) ? 'builtin' : 'custom');
}
