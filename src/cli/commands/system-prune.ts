import { pruneContainers, pruneImages, pruneNetworks, pruneVolumes } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { confirms } from '../confirm.ts';
import { Exit } from '../errors.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { removalLine } from './rmi.ts';
import { say } from '../session.ts';
import { humanSize } from '../units.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Remove unused data',
  aliases: ['system prune'],
  flags: {
    all: flag.on('a', 'Also images that have a tag, when no container uses them'),
    filter: flag.list('', 'filter', 'Only those that match (until=24h, label=key, label!=key=value)', parseFilter),
    force: flag.on('f', 'Do not ask'),
    volumes: flag.on('', 'Also anonymous volumes that no container has'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    if (values.volumes && values.filter.some(([key]) => key === 'until')) throw new Exit(1, 'ERROR: The "until" filter is not supported with "--volumes"');
    const volumes = values.volumes ? '  - all anonymous volumes not used by at least one container\n' : '';
    const images = values.all ? 'all images without at least one container associated to them' : 'all dangling images';
    if (!values.force && !await confirms(session, `WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n${volumes}  - ${images}\n`)) return 0;
    const { ContainersDeleted, SpaceReclaimed: ofContainers } = await pruneContainers(session.docker, filtersOf(values.filter));
    if ((ContainersDeleted ?? []).length > 0) say(session, `Deleted Containers:\n${ContainersDeleted!.join('\n')}\n`);
    const { NetworksDeleted } = await pruneNetworks(session.docker, filtersOf(values.filter));
    if ((NetworksDeleted ?? []).length > 0) say(session, `Deleted Networks:\n${NetworksDeleted!.join('\n')}\n`);
    const { VolumesDeleted, SpaceReclaimed: ofVolumes } = values.volumes ? await pruneVolumes(session.docker, filtersOf(values.filter)) : { VolumesDeleted: null, SpaceReclaimed: 0 };
    if ((VolumesDeleted ?? []).length > 0) say(session, `Deleted Volumes:\n${VolumesDeleted!.join('\n')}\n`);
    const { ImagesDeleted, SpaceReclaimed: ofImages } = await pruneImages(session.docker, filtersOf([...values.filter, ['dangling', String(!values.all)]]));
    if ((ImagesDeleted ?? []).length > 0) say(session, `Deleted Images:\n${ImagesDeleted!.map((item) => removalLine(item).replace(/^./, (letter) => letter.toLowerCase())).join('\n')}\n`);
    say(session, `Total reclaimed space: ${humanSize(ofContainers + ofVolumes + ofImages)}`);
    return 0;
  },
});
