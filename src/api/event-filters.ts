// Which events a watcher of `GET /events` is shown. Values of one filter are alternatives, filters are all required.
import type { EngineEvent } from '../engine/index.ts';
import { isFail } from '../base/index.ts';
import { familiarName, parseReference } from '../spec/reference.ts';
import { hasLabels } from './container-filters.ts';
import type { Filters, Query } from './query.ts';

type Test = (event: EngineEvent) => boolean;

/** Filters that name one object of a kind, by its name or id, or how these begin. */
const kinds = ['config', 'container', 'daemon', 'network', 'node', 'plugin', 'secret', 'service', 'volume'];
/** dockerd ignores names that it does not know; here a filter that would do nothing is refused. */
const known = [...kinds, 'event', 'image', 'label', 'scope', 'type'].toSorted();
/** All events are of this machine. */
export const eventScope = 'local';

/** @throws `invalid` for filters that are not there. */
export function eventTest(query: Query): Test {
  const tests = testsOf(query.filters(known));
  return (event) => tests.every((test) => test(event));
}

function testsOf(filters: Filters): readonly Test[] {
  const make: Readonly<Record<string, (values: readonly string[]) => Test>> = {
    event: (values) => ({ action }) => values.some((value) => action === value || action.startsWith(`${value}:`)),
    image: imageTest,
    label: (values) => ({ attributes }) => hasLabels(attributes, values),
    scope: (values) => () => values.includes(eventScope),
    type: (values) => ({ type }) => values.includes(type),
  };
  return [...filters].filter(([, values]) => values.length > 0).map(([name, values]) => (make[name] ?? kindTest(name))(values));
}

function kindTest(kind: string): (values: readonly string[]) => Test {
  return (values) => ({ type, id, attributes: { name = '' } }) => type === kind && values.some((value) => id.startsWith(value) || name.startsWith(value));
}

/** An image by id or name, with or without its tag; of a container, the image that it was made from. */
function imageTest(values: readonly string[]): Test {
  return ({ type, id, attributes }) => {
    const name = (type === 'image' ? attributes['name'] : attributes['image']) ?? '';
    return [id, name, withoutTag(name)].some((text) => values.includes(text));
  };
}

function withoutTag(name: string): string {
  try {
    return familiarName(parseReference(name));
  } catch (error) {
    if (isFail(error, 'invalid')) return name; // an id, or what never was a reference
    throw error;
  }
}
