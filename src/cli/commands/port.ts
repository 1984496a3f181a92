import { inspectContainer } from '../../client/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  summary: 'List port mappings or a specific mapping for the container',
  examples: [
    ['port web', 'every published port, and where it is'],
    ['port web 80', 'where that one is'],
  ],
  aliases: ['container port', 'port'],
  flags: {},
  later: {},
  operands: { min: 1, max: 2 },
  async run({ operands: [container = '', asked], session }) {
    const { NetworkSettings: { Ports: ports } } = await inspectContainer(session.docker, container);
    const open = Object.entries(ports).toSorted(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
    if (asked === undefined) {
      for (const [port, places] of open) for (const place of places ?? []) say(session, `${port} -> ${placeText(place)}`);
      return 0;
    }
    const port = parsePort(asked);
    const places = ports[port] ?? [];
    if (places.length === 0) throw new Exit(1, `Error: No public port '${asked}' published for ${container}`);
    for (const place of places) say(session, placeText(place));
    return 0;
  },
});

/** `80` → `80/tcp`. */
function parsePort(text: string): string {
  const [number = '', protocol = 'tcp'] = text.split('/', 2);
  if (!/^\d{1,5}$/.test(number)) throw new Exit(1, `Error: invalid port ${JSON.stringify(text)}: expected a number, and a protocol behind a slash`);
  return `${number}/${protocol.toLowerCase()}`;
}

function placeText({ HostIp, HostPort }: { readonly HostIp: string; readonly HostPort: string }): string {
  return `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`;
}
