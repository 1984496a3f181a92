// A container as a row of `ps`: the fields that templates may name, and the default table.
import { durationInWords } from '../base/index.ts';
import type { ContainerSummary } from '../spec/docker/container-view.ts';
import type { Listing, Row } from './format.ts';
import { humanSize, localTime } from './units.ts';

const base: Omit<Listing, 'columns'> = {
  heads: {
    Command: 'COMMAND', CreatedAt: 'CREATED AT', ID: 'CONTAINER ID', Image: 'IMAGE', Labels: 'LABELS', LocalVolumes: 'LOCAL VOLUMES', Mounts: 'MOUNTS', Names: 'NAMES',
    Networks: 'NETWORKS', Platform: 'PLATFORM', Ports: 'PORTS', RunningFor: 'CREATED', Size: 'SIZE', State: 'STATE', Status: 'STATUS',
  },
  typeName: '*formatter.ContainerContext',
};

const columns = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';

export const containerListing: Readonly<Record<'plain' | 'withSize' | 'inUsage', Listing>> = {
  /** For system df. */
  inUsage: { ...base, columns: '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}' },
  plain: { ...base, columns },
  withSize: { ...base, columns: `${columns}\t{{.Size}}` },
};

export function containerRow(container: ContainerSummary, { isTruncated, now }: { readonly isTruncated: boolean; readonly now: Date }): Row {
  const created = new Date(container.Created * 1000);
  const labels = container.Labels ?? {};
  const mounts = container.Mounts.map(mountName).map((name) => (isTruncated ? ellipsis(name, 15) : name));
  return {
    Command: JSON.stringify(isTruncated ? ellipsis(container.Command, 20) : container.Command),
    CreatedAt: localTime(created),
    ID: isTruncated ? container.Id.slice(0, 12) : container.Id,
    Image: imageName(container, isTruncated),
    Labels: Object.entries(labels).map(([key, value]) => `${key}=${value}`).sort().join(','),
    Label: (name: unknown) => labels[String(name)] ?? '',
    LocalVolumes: String(container.Mounts.filter((mount) => 'Driver' in mount && mount.Driver === 'local').length),
    Mounts: mounts.join(','),
    Names: namesOf(container, isTruncated).join(','),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).sort().join(','),
    Platform: null,
    Ports: portsText(container.Ports ?? []),
    RunningFor: `${durationInWords(now.getTime() - created.getTime())} ago`,
    Size: humanSize(container.SizeRw ?? 0) + ((container.SizeRootFs ?? 0) > 0 ? ` (virtual ${humanSize(container.SizeRootFs ?? 0)})` : ''),
    State: container.State,
    Status: container.Status,
  };
}

/** The last character gives way to an ellipsis. */
export function ellipsis(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

function imageName({ Image, ImageID }: ContainerSummary, isTruncated: boolean): string {
  if (Image === '') return '<no image>';
  if (!isTruncated) return Image;
  const short = ImageID.replace(/^sha256:/, '').slice(0, 12);
  if (Image === ImageID || Image.replace(/^sha256:/, '') === ImageID.replace(/^sha256:/, '')) return short;
  return Image.replace(/@sha256:.*$/, '');
}

/** Names without their slash; those of links have two and are left out when shortened. */
function namesOf({ Names }: ContainerSummary, isTruncated: boolean): string[] {
  const names = Names.map((name) => name.replace(/^\//, ''));
  return isTruncated ? names.filter((name) => !name.includes('/')) : names;
}

function mountName(mount: object): string {
  const text = (key: string): string => (key in mount ? String(Object.entries(mount).find(([name]) => name === key)?.[1] ?? '') : '');
  return text('Name') || text('Source');
}

type Port = ContainerSummary['Ports'][number];

/**
 * `443/tcp, 0.0.0.0:8080->80/tcp`: first the ports that keep their number or are not published, neighbours joined (`8000-8002/tcp`), in the
 * order in which Docker finds such a run complete; then the ports that are published under another number.
 */
export function portsText(ports: readonly Port[]): string {
  const sorted = ports.toSorted((a, b) => a.PrivatePort - b.PrivatePort || inOrder(a.IP, b.IP) || (a.PublicPort ?? 0) - (b.PublicPort ?? 0) || inOrder(a.Type, b.Type));
  const complete: string[] = [];
  const mapped: string[] = [];
  const open = new Map<string, { readonly first: Port; readonly last: Port }>();
  for (const port of sorted) {
    if (port.PublicPort !== undefined && port.PublicPort !== port.PrivatePort) {
      mapped.push(runText(port, port));
      continue;
    }
    const key = `${port.IP ?? ''}/${port.Type}`;
    const run = open.get(key);
    const isNext = run?.last.PrivatePort === port.PrivatePort - 1;
    if (run !== undefined && !isNext) complete.push(runText(run.first, run.last));
    open.set(key, { first: run !== undefined && isNext ? run.first : port, last: port });
  }
  return [...complete, ...[...open.values()].map(({ first, last }) => runText(first, last)), ...mapped].join(', ');
}

function inOrder(a = '', b = ''): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function runText(first: Port, last: Port): string {
  const range = (from: number, to: number): string => (from === to ? String(from) : `${from}-${to}`);
  const inside = `${range(first.PrivatePort, last.PrivatePort)}/${first.Type}`;
  if (first.PublicPort === undefined || last.PublicPort === undefined) return inside;
  const address = first.IP?.includes(':') ? `[${first.IP}]` : first.IP ?? '';
  return `${address === '' ? '' : `${address}:`}${range(first.PublicPort, last.PublicPort)}->${inside}`;
}
