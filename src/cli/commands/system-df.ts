// system df: what images, containers and volumes take, and how much of that nobody uses.
import { diskUsage } from '../../client/index.ts';
import type { DiskUsage } from '../../spec/docker/disk-usage.ts';
import { defineCommand } from '../command.ts';
import { containerListing, containerRow } from '../container-rows.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { printRows, type Listing, type Row } from '../format.ts';
import { imageListing, imageRows } from '../image-rows.ts';
import { say, type Session } from '../session.ts';
import { humanSize } from '../units.ts';
import { volumeListing, volumeRow } from '../volume-rows.ts';

const listing: Listing = {
  columns: '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
  heads: { Active: 'ACTIVE', Reclaimable: 'RECLAIMABLE', Size: 'SIZE', TotalCount: 'TOTAL', Type: 'TYPE' },
  typeName: '*formatter.diskUsageContext',
};

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Show what is used on the disk',
  aliases: ['system df'],
  examples: [
    ['system df -v', 'image by image, container by container, volume by volume'],
  ],
  flags: {
    format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''),
    verbose: flag.on('v', 'Each image, container and volume'),
  },
  operands: { min: 0, max: 0 },
  async run({ values: { format, verbose }, session }) {
    if (verbose && format !== undefined) throw new Exit(1, 'system df -v with --format is not there yet in Estiva: leave one of them away');
    const usage = await diskUsage(session.docker);
    if (verbose) printAll(session, usage);
    else printRows(session, format, listing, rowsOf(usage));
    return 0;
  },
});

function rowsOf(usage: DiskUsage): readonly Row[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const used = images.filter(({ Containers }) => Containers > 0);
  const usedBytes = used.reduce((sum, { SharedSize, Size }) => sum + (Size < 0 || SharedSize < 0 ? 0 : Size - SharedSize), 0);
  const up = containers.filter(({ State }) => ['running', 'paused', 'restarting'].includes(State));
  const volumes = (usage.Volumes ?? []).map(({ UsageData }) => UsageData ?? { RefCount: 0, Size: 0 });
  const kept = (of: typeof volumes): number => of.reduce((sum, { Size }) => sum + Math.max(Size, 0), 0);
  const written = (of: typeof containers): number => of.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0);
  // What images have, too, is counted there.
  const cached = usage.BuildCache ?? [];
  const ownBytes = cached.reduce((sum, { Shared, Size }) => sum + (Shared ? 0 : Size), 0);
  return [
    row('Images', images.length, used.length, usage.LayersSize, usage.LayersSize - usedBytes),
    row('Containers', containers.length, up.length, written(containers), written(containers) - written(up)),
    row('Local Volumes', volumes.length, volumes.filter(({ RefCount }) => RefCount > 0).length, kept(volumes), kept(volumes.filter(({ RefCount }) => RefCount === 0))),
    row('Build Cache', cached.length, 0, ownBytes, ownBytes),
  ];
}

function row(type: string, total: number, active: number, sizeBytes: number, reclaimableBytes: number): Row {
  const share = sizeBytes > 0 && type !== 'Build Cache' ? ` (${Math.trunc((reclaimableBytes * 100) / sizeBytes)}%)` : '';
  return { Active: String(active), Reclaimable: `${humanSize(reclaimableBytes, 4)}${share}`, Size: humanSize(sizeBytes, 4), TotalCount: String(total), Type: type };
}

function printAll(session: Session, usage: DiskUsage): void {
  const options = { isTruncated: true, now: session.now() };
  say(session, 'Images space usage:\n');
  printRows(session, undefined, imageListing.withSharing, (usage.Images ?? []).flatMap((image) => imageRows(image, { ...options, showsDigests: false })));
  if ((usage.EstivaKeptBlobs ?? 0) > 0) say(session, `\nBeside them, ${humanSize(usage.EstivaKeptBlobs ?? 0, 4)} of compressed layers are kept for push, as they cannot be compressed again to the same bytes.`);
  say(session, '\nContainers space usage:\n');
  printRows(session, undefined, containerListing.inUsage, (usage.Containers ?? []).map((container) => containerRow({ ...container, SizeRootFs: 0 }, options)));
  say(session, '\nLocal Volumes space usage:\n');
  printRows(session, undefined, volumeListing.inUsage, (usage.Volumes ?? []).map(volumeRow));
}
