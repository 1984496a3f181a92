// Which volumes `GET /volumes` shows, and which `POST /volumes/prune` may take. Values of one filter are alternatives, filters are all required.
import { fail } from '../base/index.ts';
import type { Engine, VolumeRecord } from '../engine/index.ts';
import { hasLabels, textTest } from './container-filters.ts';
import { truthOf } from './image-filters.ts';
import type { Query } from './query.ts';

type Test = (volume: VolumeRecord) => boolean;

/** `label!` is ours alone: dockerd takes it for pruning only. */
const known = ['dangling', 'driver', 'label', 'label!', 'name'];

/** By name. @throws `invalid` for filters that are not there or make no sense */
export function selectVolumes({ volumes }: Engine, query: Query): readonly VolumeRecord[] {
  const make: Readonly<Record<string, (values: readonly string[]) => Test>> = {
    dangling: (values) => {
      const isWanted = oneTruth('dangling', values);
      return ({ name }) => (volumes.usersOf(name).length === 0) === isWanted;
    },
    driver: (values) => ({ driver }) => values.includes(driver),
    label: (values) => ({ labels }) => hasLabels(labels ?? {}, values),
    'label!': (values) => ({ labels }) => !values.some((value) => hasLabels(labels ?? {}, [value])),
    name: (values) => textTest<VolumeRecord>(values, ({ name }) => [name]),
  };
  const tests = [...query.filters(known)].filter(([, values]) => values.length > 0).map(([name, values]) => make[name]!(values));
  return volumes.list().filter((volume) => tests.every((test) => test(volume)));
}

/** Clients before 1.42 knew no anonymous volumes: theirs takes all. */
const anonymousSince = 42;

/** Anonymous ones, or with `all` any; never one that stands for something of the host (options): dockerd keeps those, too. */
export function prunedVolumes(query: Query, apiMinor: number): Test {
  const filters = query.filters(['all', 'label', 'label!']);
  const all = allOf(filters.get('all') ?? []) || apiMinor < anonymousSince;
  const wanted = filters.get('label') ?? [];
  const unwanted = filters.get('label!') ?? [];
  return ({ isAnonymous, options, labels }) => (all || isAnonymous) && hasNoOptions({ options }) && hasLabels(labels ?? {}, wanted) && !unwanted.some((label) => hasLabels(labels ?? {}, [label]));
}

export function hasNoOptions({ options }: Pick<VolumeRecord, 'options'>): boolean {
  return Object.keys(options ?? {}).length === 0;
}

function allOf(values: readonly string[]): boolean {
  const [text, ...more] = values;
  if (text === undefined) return false;
  if (more.length > 0) throw fail('invalid', `invalid filter 'all=[${values.toSorted().join(' ').slice(0, 100)}]': only one value is expected`);
  if (['1', 't', 'T', 'true', 'True', 'TRUE'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'False', 'FALSE'].includes(text)) return false;
  const shown = text.slice(0, 100);
  throw fail('invalid', `invalid filter 'all': strconv.ParseBool: parsing ${JSON.stringify(shown)}: invalid syntax`);
}

/** True and false at once ask for nothing. */
function oneTruth(filter: string, values: readonly string[]): boolean {
  const truths = new Set(values.map((value) => truthOf(filter, value)));
  if (truths.size > 1) throw fail('invalid', `invalid filter '${filter}=[${values.toSorted().join(' ').slice(0, 100)}]'`);
  return truths.has(true);
}
