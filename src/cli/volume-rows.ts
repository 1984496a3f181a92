// A volume as a row: `volume ls`, `system df -v`.
import type { VolumeView } from '../spec/docker/volume.ts';
import type { Listing, Row } from './format.ts';
import { humanSize } from './units.ts';

const heads = {
  Availability: 'AVAILABILITY', Driver: 'DRIVER', Group: 'GROUP', Labels: 'LABELS', Links: 'LINKS', Mountpoint: 'MOUNTPOINT', Name: 'VOLUME NAME', Scope: 'SCOPE', Size: 'SIZE', Status: 'STATUS',
};

export const volumeListing = {
  plain: { columns: '{{.Driver}}\t{{.Name}}', heads, typeName: '*formatter.volumeContext' },
  inUsage: { columns: '{{.Name}}\t{{.Links}}\t{{.Size}}', heads, typeName: '*formatter.volumeContext' },
} as const satisfies Record<string, Listing>;

/** Availability, group and status are those of volumes of a swarm. */
export function volumeRow({ Driver, Labels, Mountpoint, Name, Scope, UsageData }: VolumeView): Row {
  const labels = Labels ?? {};
  return {
    Availability: 'N/A', Driver, Group: 'N/A', Labels: Object.entries(labels).map(([key, value]) => `${key}=${value}`).sort().join(','), Links: UsageData === undefined ? 'N/A' : String(UsageData.RefCount),
    Mountpoint, Name, Scope, Size: UsageData === undefined ? 'N/A' : humanSize(UsageData.Size), Status: 'N/A',
    Label: (name: unknown) => labels[String(name)] ?? '',
  };
}
