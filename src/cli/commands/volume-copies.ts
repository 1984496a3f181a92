// volume: clone, export, import, rollback, snapshot, snapshots. Estiva's own; a dockerd has none of them.
import { durationInWords } from '../../base/index.ts';
import { cloneVolume, createVolume, exportVolume, importVolume, listSnapshots, removeSnapshot, rollbackVolume, snapshotVolume } from '../../client/index.ts';
import type { SnapshotView } from '../../spec/estiva/volume.ts';
import { openArchiveOutput } from '../archive-output.ts';
import { defineCommand } from '../command.ts';
import { openArchive } from '../create/files.ts';
import { flag } from '../flags.ts';
import { printRows, type Listing, type Row } from '../format.ts';
import { progressView } from '../progress.ts';
import { say, type Session } from '../session.ts';
import { humanSize } from '../units.ts';

/** How far it is is for people who watch; what was made is the output. */
function watch(session: Session): Parameters<typeof cloneVolume>[3] {
  return session.stderr.isTTY === true ? progressView(session.stderr) : () => undefined;
}

export const clone = defineCommand({
  usage: 'VOLUME NEW',
  summary: 'Make a new volume with the files of another',
  examples: [['volume clone db db-test', 'at once where the file system can share blocks (xfs, btrfs)']],
  flags: {},
  operands: { min: 2, max: 2 },
  async run({ operands: [volume = '', to = ''], session }) {
    say(session, await cloneVolume(session.docker, volume, to, watch(session)));
    return 0;
  },
});

export const snapshot = defineCommand({
  usage: 'VOLUME [NAME]',
  summary: 'Keep the files of a volume as they are now',
  examples: [['volume snapshot db before-upgrade', 'and back: volume rollback db before-upgrade']],
  flags: {},
  operands: { min: 1, max: 2 },
  async run({ operands: [volume = '', name = ''], session }) {
    say(session, await snapshotVolume(session.docker, volume, name, watch(session)));
    return 0;
  },
});

export const rollback = defineCommand({
  usage: 'VOLUME SNAPSHOT',
  summary: 'Make the files of a volume those of a snapshot again',
  examples: [['volume rollback db before-upgrade', 'what was written since is gone; the snapshot stays']],
  flags: {},
  operands: { min: 2, max: 2 },
  async run({ operands: [volume = '', name = ''], session }) {
    say(session, await rollbackVolume(session.docker, volume, name, watch(session)));
    return 0;
  },
});

const listing: Listing = {
  columns: '{{.Name}}\t{{.CreatedSince}}\t{{.Size}}',
  heads: { CreatedAt: 'CREATED AT', CreatedSince: 'CREATED', Name: 'SNAPSHOT', Size: 'SIZE' },
  typeName: 'snapshot',
};

export const snapshots = defineCommand({
  usage: '[OPTIONS] VOLUME',
  summary: 'List the snapshots of a volume, or remove some',
  examples: [['volume snapshots db', 'oldest first'], ['volume snapshots --rm before-upgrade db', 'one that is not needed any more']],
  flags: {
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    quiet: flag.on('q', 'Only names'),
    rm: flag.texts('', 'list', 'Remove this snapshot'),
  },
  operands: { min: 1, max: 1 },
  async run({ values: { format, quiet, rm }, operands: [volume = ''], session }) {
    for (const name of rm) {
      await removeSnapshot(session.docker, volume, name);
      say(session, name);
    }
    if (rm.length > 0) return 0;
    const rows = (await listSnapshots(session.docker, volume)).map((found) => rowOf(found, session.now()));
    printRows(session, quiet && format === undefined ? '{{.Name}}' : format, listing, rows);
    return 0;
  },
});

function rowOf({ Name, CreatedAt, Size }: SnapshotView, now: Date): Row {
  return { CreatedAt, CreatedSince: `${durationInWords(now.getTime() - Date.parse(CreatedAt))} ago`, Name, Size: humanSize(Size) };
}

export const exportCommand = defineCommand({
  usage: '[OPTIONS] VOLUME',
  summary: 'Export the files of a volume as a tar archive',
  examples: [['volume export db | zstd > db.tar.zst', 'and back: volume import db db.tar.zst']],
  flags: { output: flag.text('o', 'string', 'Write to this file instead of stdout') },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [volume = ''], session }) {
    using output = openArchiveOutput(session, values.output, 'export volume');
    const answer = await exportVolume(session.docker, volume);
    await answer.read((bytes) => output.write(bytes));
    output.finish();
    return 0;
  },
});

export const importCommand = defineCommand({
  usage: '[OPTIONS] VOLUME FILE|-',
  summary: 'Fill a volume with the files of a tar archive',
  examples: [['volume import db db.tar.zst', 'plain, gzip or zstd; the volume is made when it is not there'], ['volume import --replace db - < db.tar', 'from stdin, in the place of what is there']],
  flags: { replace: flag.on('', 'The files that are there go; without it the volume must be empty') },
  operands: { min: 2, max: 2 },
  async run({ values: { replace }, operands: [volume = '', file = ''], session }) {
    const archive: AsyncIterable<Uint8Array> = file === '-' ? session.stdin : openArchive(file);
    await createVolume(session.docker, { Name: volume });
    await importVolume(session.docker, volume, archive, { replace });
    say(session, volume);
    return 0;
  },
});
