// volume: create, inspect, ls, prune, rm.
import { createVolume, inspectVolumeText, listVolumes, pruneVolumes, removeVolume } from '../../client/index.ts';
import type { VolumeView } from '../../spec/docker/volume.ts';
import { defineCommand } from '../command.ts';
import { confirms } from '../confirm.ts';
import { pair } from '../create/values.ts';
import { forEach } from '../each.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { printRows } from '../format.ts';
import { inspectObjects } from '../inspect.ts';
import { Exit } from '../errors.ts';
import { say, warn } from '../session.ts';
import { humanSize } from '../units.ts';
import { volumeListing, volumeRow } from '../volume-rows.ts';

export const ls = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List volumes',
  aliases: ['volume ls', 'volume list'],
  examples: [['volume ls --filter dangling=true', 'those that no container has'], ['volume ls --format \'{{.Name}} {{.Mountpoint}}\'', 'your own columns']],
  flags: {
    filter: flag.list('f', 'filter', 'Only those that match (name=db, label=key, driver=local, dangling=true)', parseFilter),
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    quiet: flag.on('q', 'Only names'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const volumes = await listVolumes(session.docker, filtersOf(values.filter));
    const format = values.format ?? (values.quiet ? undefined : session.config.setting('volumesFormat'));
    const isQuiet = values.quiet && (format ?? 'table') === 'table';
    const byName = new Intl.Collator('en', { numeric: true });
    printRows(session, isQuiet ? '{{.Name}}' : format, volumeListing.plain, [...volumes].sort((a, b) => byName.compare(a.Name, b.Name)).map(volumeRow));
    return 0;
  },
});

export const inspect = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Display detailed information on one or more volumes',
  examples: [['volume inspect --format \'{{.Mountpoint}}\' db', 'where its files are on the host']],
  flags: { format: flag.text('f', 'string', 'Template for each object, or \'json\'') },
  operands: { min: 1 },
  run: ({ values: { format }, operands, session }) => inspectObjects(session, operands, format, (name) => inspectVolumeText(session.docker, name)),
});

export const create = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  summary: 'Create a volume',
  examples: [
    ['volume create db', 'a place for files that stays'],
    ['volume create -o type=none -o o=bind -o device=/srv/site site', 'a directory of the host by a name'],
    ['volume create -o type=tmpfs -o device=tmpfs -o o=size=100m,uid=1000 scratch', 'in memory, as long as a container uses it'],
  ],
  flags: {
    driver: flag.text('d', 'string', 'local'),
    label: flag.list('', 'list', 'Put a label on the volume (key=value)', pair),
    name: flag.text('', 'string', 'As the operand (Docker\'s older spelling)'),
    opt: flag.list('o', 'map', 'What the files are: type, device and o as mount(8) has them (key=value)', pair),
  },
  operands: { min: 0, max: 1 },
  async run({ values, operands: [operand], session }) {
    if (values.name !== undefined && operand !== undefined) throw new Exit(1, 'conflicting options: cannot specify a volume name through both --name and as a positional arg');
    const name = operand ?? values.name;
    const wish = { Driver: values.driver ?? 'local', DriverOpts: Object.fromEntries(values.opt), Labels: Object.fromEntries(values.label) };
    const made = await createVolume(session.docker, { ...name === undefined ? {} : { Name: name }, ...wish });
    if (!isAsWished(made, wish)) warn(session, `WARNING: The volume ${JSON.stringify(made.Name)} was there before, with other options or labels: it is as it was`);
    say(session, made.Name);
    return 0;
  },
});

interface Wish {
  readonly DriverOpts: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
}

/** Docker's API gives one that is there already and says nothing. What was not asked for is no difference. */
function isAsWished({ Options, Labels }: VolumeView, wish: Wish): boolean {
  const has = (there: Readonly<Record<string, string>> | null, wished: Readonly<Record<string, string>>): boolean => Object.entries(wished).every(([key, value]) => there?.[key] === value);
  return has(Options, wish.DriverOpts) && has(Labels, wish.Labels);
}

export const rm = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Remove one or more volumes that no container has',
  aliases: ['volume rm', 'volume remove'],
  flags: { force: flag.on('f', 'No failure when there is none of that name') },
  operands: { min: 1 },
  run: ({ values: { force }, operands, session }) => forEach(session, operands, {}, async (name) => {
    await removeVolume(session.docker, name, { force });
    return name;
  }),
});

export const prune = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove anonymous volumes that no container has',
  examples: [['volume prune --all --filter label!=keep', 'also those with a name, but for some']],
  flags: {
    all: flag.on('a', 'Also those that somebody gave a name'),
    filter: flag.list('', 'filter', 'Only those that match (label=key, label!=key=value)', parseFilter),
    force: flag.on('f', 'Do not ask'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const what = values.all ? 'all local volumes' : 'anonymous local volumes';
    if (values.all && values.filter.some(([key]) => key === 'all')) throw new Exit(1, 'conflicting options: cannot specify both --all and --filter all=1');
    if (!values.force && !await confirms(session, `WARNING! This will remove ${what} not used by at least one container.`)) return 0;
    const { VolumesDeleted, SpaceReclaimed } = await pruneVolumes(session.docker, filtersOf([...values.filter, ...values.all ? [['all', 'true'] as const] : []]));
    if ((VolumesDeleted ?? []).length > 0) say(session, `Deleted Volumes:\n${VolumesDeleted!.join('\n')}\n`);
    say(session, `Total reclaimed space: ${humanSize(SpaceReclaimed)}`);
    return 0;
  },
});
